// Package life ends the agent, and with it its machine, when nobody needs it any more: an ephemeral one when its last holder has let go, any
// one when nothing ran and nobody called for a while. Only the agent sees both, and it sees them also when every host process is gone.
package life

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/wire"
)

// maxIdleStop is a year.
const maxIdleStop = 365 * 24 * time.Hour

// Options are what the machine was started with.
type Options struct {
	// Unheld is how long it goes on without a holder; 0: for ever, it is persistent.
	Unheld time.Duration
	// Unclaimed is what its first holder has to come, when Unheld is not 0.
	Unclaimed time.Duration
	// IdleStop is how long it goes on without anything to do; 0: for ever.
	IdleStop time.Duration
	// Made is unlike that of any other machine, where a changed IdleStop is to be remembered over a restart: a rollback brings old files back, and
	// a fork has those of another machine.
	Made string
	// StateDir outlives a restart.
	StateDir string
	// Busy tells whether something runs that no request waits for.
	Busy func() bool
	// End does not return.
	End func()
}

// Life counts holders and calls. A holder is a connection that has said hello; one that only tries whether somebody answers is none.
type Life struct {
	options Options

	mu       sync.Mutex
	open     map[net.Conn]bool
	holders  map[net.Conn]bool
	calls    int
	last     time.Time // something was done
	idleStop time.Duration
	idle     *time.Timer
	unheld   *time.Timer
}

// New begins to count.
func New(options Options) *Life {
	l := &Life{options: options, open: map[net.Conn]bool{}, holders: map[net.Conn]bool{}, last: time.Now(), idleStop: options.IdleStop}
	l.recall()
	l.mu.Lock()
	defer l.mu.Unlock()
	if options.Unheld > 0 {
		l.unheld = time.AfterFunc(options.Unclaimed, l.endUnheld)
	}
	l.rearm()
	return l
}

type connectionKey struct{}

// Context is for http.Server: a request knows its connection.
func (l *Life) Context(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection)
}

// State is for http.Server: it tells of connections that begin and end.
func (l *Life) State(connection net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state == http.StateNew {
		l.open[connection] = true
	}
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	delete(l.open, connection)
	if !l.holders[connection] {
		return
	}
	delete(l.holders, connection)
	if len(l.holders) == 0 && l.unheld != nil {
		l.unheld.Reset(l.options.Unheld)
	}
}

// Count has every call keep the machine awake while it is under way, but for those that only look on: what is typed into a terminal does.
func (l *Life) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/hello" {
			l.hold(r)
		}
		if looks(r.URL.Path) {
			l.Touch()
			next.ServeHTTP(w, r)
			return
		}
		l.mu.Lock()
		l.calls++
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.calls--
			l.last = time.Now()
		}()
		next.ServeHTTP(w, r)
	})
}

// looks is for a call that only looks on, or waits for connections to carry, which count themselves.
func looks(path string) bool {
	return path == "/v1/events" || path == "/v1/egress" || strings.HasPrefix(path, "/v1/terminals/") && strings.HasSuffix(path, "/attach")
}

func (l *Life) hold(r *http.Request) {
	connection, ok := r.Context().Value(connectionKey{}).(net.Conn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Requests are served beside the connection: one that was killed right after its hello may be over by now, and would hold for ever.
	if !l.open[connection] {
		return
	}
	l.holders[connection] = true
	if l.unheld != nil {
		l.unheld.Stop()
	}
}

// Touch says that something was done.
func (l *Life) Touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

// IdleStop in milliseconds, 0 never.
func (l *Life) IdleStop() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.idleStop.Milliseconds()
}

func (l *Life) endUnheld() {
	l.mu.Lock() // for good: nobody is served any more
	if len(l.holders) > 0 {
		l.mu.Unlock()
		return
	}
	l.options.End()
}

func (l *Life) endIdle() {
	l.mu.Lock()
	if l.idleStop == 0 {
		l.mu.Unlock()
		return
	}
	left := l.idleStop - time.Since(l.last)
	if l.calls > 0 || l.options.Busy() {
		left = l.idleStop // what ends before that says so by Touch
	}
	if left > 0 {
		l.idle.Reset(left)
		l.mu.Unlock()
		return
	}
	l.options.End() // with the lock: nobody is served any more
}

// rearm is called with the lock.
func (l *Life) rearm() {
	if l.idle != nil {
		l.idle.Stop()
	}
	if l.idleStop > 0 {
		l.idle = time.AfterFunc(l.idleStop, l.endIdle)
	}
}

// Register adds the routes.
func (l *Life) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/life", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) { return l.state(), nil }))
	mux.HandleFunc("PUT /v1/life", wire.Handler(l.put))
}

type state struct {
	Ephemeral  bool  `json:"ephemeral"`
	IdleStopMs int64 `json:"idleStopMs"`
	Holders    int   `json:"holders"`
}

func (l *Life) state() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return state{Ephemeral: l.options.Unheld > 0, IdleStopMs: l.idleStop.Milliseconds(), Holders: len(l.holders)}
}

func (l *Life) put(_ http.ResponseWriter, r *http.Request) (any, error) {
	var body struct {
		IdleStopMs *int64 `json:"idleStopMs"`
	}
	if err := wire.Body(r, 64<<10, &body); err != nil {
		return nil, err
	}
	if body.IdleStopMs != nil {
		if *body.IdleStopMs < 0 || *body.IdleStopMs > maxIdleStop.Milliseconds() {
			return nil, wire.Errorf("invalid_argument", "expected idleStopMs from 0 to %d, got %d", maxIdleStop.Milliseconds(), *body.IdleStopMs)
		}
		l.mu.Lock()
		l.idleStop = time.Duration(*body.IdleStopMs) * time.Millisecond
		l.last = time.Now()
		l.rearm()
		l.mu.Unlock()
		l.keep(*body.IdleStopMs)
	}
	return l.state(), nil
}

// kept is a changed IdleStop over a restart.
type kept struct {
	Made       string `json:"made"`
	IdleStopMs int64  `json:"idleStopMs"`
}

func (l *Life) path() string { return filepath.Join(l.options.StateDir, "life.json") }

// keep does what it can: without it the machine has its first IdleStop after a restart.
func (l *Life) keep(idleStopMs int64) {
	if l.options.Made == "" {
		return
	}
	if data, err := json.Marshal(kept{l.options.Made, idleStopMs}); err == nil {
		_ = os.MkdirAll(l.options.StateDir, 0o711)
		_ = own.Write(l.path(), data)
	}
}

func (l *Life) recall() {
	data, err := own.Read(l.path(), 64<<10)
	var k kept
	if err != nil || json.Unmarshal(data, &k) != nil || l.options.Made == "" || k.Made != l.options.Made {
		return
	}
	if k.IdleStopMs >= 0 && k.IdleStopMs <= maxIdleStop.Milliseconds() {
		l.idleStop = time.Duration(k.IdleStopMs) * time.Millisecond
	}
}
