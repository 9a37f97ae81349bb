package life

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	short = 30 * time.Millisecond
	long  = 10 * time.Second
)

// machine is a server that a Life watches over, without an agent to end.
type machine struct {
	life  *Life
	url   string
	busy  atomic.Bool
	ended chan struct{}
}

func start(t *testing.T, o Options) *machine {
	t.Helper()
	m := &machine{ended: make(chan struct{})}
	o.Busy = m.busy.Load
	// The real one does not return, and nobody is served from then on: it is called with the lock.
	o.End = func() { close(m.ended) }
	m.life = New(o)
	mux := http.NewServeMux()
	m.life.Register(mux)
	mux.HandleFunc("GET /v1/hello", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewUnstartedServer(m.life.Count(mux))
	server.Config.ConnContext, server.Config.ConnState = m.life.Context, m.life.State
	server.Start()
	t.Cleanup(server.CloseClientConnections)
	m.url = server.URL
	return m
}

// hold says hello on a connection of its own.
func (m *machine) hold(t *testing.T) (letGo func()) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get(m.url + "/v1/hello")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return client.CloseIdleConnections
}

func (m *machine) ends(t *testing.T) {
	t.Helper()
	select {
	case <-m.ended:
	case <-time.After(long):
		t.Fatal("it goes on")
	}
}

func (m *machine) goesOn(t *testing.T) {
	t.Helper()
	select {
	case <-m.ended:
		t.Fatal("it has ended")
	case <-time.After(5 * short):
	}
}

func TestEndsWhenItsLastHolderHasLetGo(t *testing.T) {
	m := start(t, Options{Unheld: short, Unclaimed: long})
	one, two := m.hold(t), m.hold(t)
	one()
	m.goesOn(t)
	two()
	m.ends(t)
}

func TestAHolderThatComesBackInTimeIsOne(t *testing.T) {
	m := start(t, Options{Unheld: time.Second, Unclaimed: long})
	m.hold(t)()
	m.hold(t)
	time.Sleep(1200 * time.Millisecond)
	m.goesOn(t)
}

func TestEndsWithoutAFirstHolder(t *testing.T) {
	m := start(t, Options{Unheld: long, Unclaimed: short})
	// Who only looks whether somebody answers is none.
	if connection, err := net.Dial("tcp", strings.TrimPrefix(m.url, "http://")); err == nil {
		_ = connection.Close()
	}
	m.ends(t)
}

func TestAPersistentOneNeedsNoHolder(t *testing.T) {
	m := start(t, Options{})
	m.hold(t)()
	m.goesOn(t)
}

func TestStopsWhenNothingIsDone(t *testing.T) {
	m := start(t, Options{IdleStop: short})
	m.hold(t) // and never lets go
	m.ends(t)
}

func TestACallKeepsItAwake(t *testing.T) {
	m := start(t, Options{IdleStop: 3 * short})
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "GET", m.url+"/slow", nil)
	go func() { _, _ = http.DefaultClient.Do(request) }()
	m.goesOn(t)
	cancel()
	m.ends(t)
}

func TestWhatRunsKeepsItAwake(t *testing.T) {
	m := start(t, Options{IdleStop: short})
	m.busy.Store(true)
	m.goesOn(t)
	m.busy.Store(false)
	m.life.Touch()
	m.ends(t)
}

func TestTheTimeIsAdjustable(t *testing.T) {
	dir := t.TempDir()
	m := start(t, Options{IdleStop: time.Second, Made: "a", StateDir: dir})
	put := func(body string) int {
		request, _ := http.NewRequestWithContext(t.Context(), "PUT", m.url+"/v1/life", strings.NewReader(body))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	for _, bad := range []string{`{"idleStopMs":-1}`, `{"idleStopMs":1e12}`, `{"idleStopMs":"1"}`} {
		if status := put(bad); status != http.StatusBadRequest {
			t.Fatalf("%s: %d", bad, status)
		}
	}
	if put(`{"idleStopMs":0}`) != http.StatusOK {
		t.Fatal("refused")
	}
	time.Sleep(1200 * time.Millisecond)
	m.goesOn(t)
	if again := New(Options{IdleStop: time.Hour, Made: "a", StateDir: dir}); again.IdleStop() != 0 {
		t.Fatal("forgotten over a restart")
	}
	if other := New(Options{IdleStop: time.Hour, Made: "b", StateDir: dir}); other.IdleStop() != time.Hour.Milliseconds() {
		t.Fatal("taken over by another machine")
	}
	if put(`{"idleStopMs":30}`) != http.StatusOK {
		t.Fatal("refused")
	}
	m.ends(t)
}

// Seen as a machine that went on for ever: its only holder was killed between its hello and the serving of it.
func TestAHelloThatIsServedAfterItsConnectionEndedHoldsNothing(t *testing.T) {
	m := start(t, Options{Unheld: short, Unclaimed: short})
	near, far := net.Pipe()
	defer far.Close()
	m.life.State(near, http.StateNew)
	_ = near.Close()
	m.life.State(near, http.StateClosed)
	request := httptest.NewRequest("GET", "/v1/hello", nil)
	m.life.Count(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request.WithContext(m.life.Context(context.Background(), near)))
	m.ends(t)
}
