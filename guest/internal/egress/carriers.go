package egress

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"lms-computer/guest/internal/tunnel"
	"lms-computer/guest/internal/wire"
)

const (
	maxCarriers = 64
	// takeTimeout is how long a carrier may take to say that it looks at a connection: a process that was stopped says nothing. The last one that
	// can be asked has longer: it may be busy.
	takeTimeout     = 2 * time.Second
	lastTakeTimeout = 20 * time.Second
	// verdictTimeout is for a host that looks up a name and dials.
	verdictTimeout = 60 * time.Second
	// maxLineBytes of a carrier's answer: a refusal's text, escaped.
	maxLineBytes = 64 << 10
)

// announcement is what a carrier is told of a connection.
type announcement struct {
	ID   string `json:"id"`
	Via  string `json:"via"`
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
}

// verdict is what a carrier says to it.
type verdict struct {
	ID     string   `json:"id"`
	Take   bool     `json:"take"`
	Pass   bool     `json:"pass"`
	Refuse *refusal `json:"refuse"`
}

// connection is one client that waits for a carrier, or has one.
type connection struct {
	conn   *net.TCPConn
	reader io.Reader // what is left to read of conn
	wanted announcement

	verdicts chan verdict  // of the carrier that it is offered to now
	accepted chan struct{} // closed by the request that carries it
	done     chan struct{} // closed when that request is over
}

func newConnection(conn *net.TCPConn, reader io.Reader, wanted announcement) *connection {
	return &connection{conn: conn, reader: reader, wanted: wanted, accepted: make(chan struct{}), done: make(chan struct{})}
}

// carrier is one host process.
type carrier struct {
	lines   chan []byte
	changed chan struct{} // something is to be told that the next look tells as well
	gone    chan struct{}
}

// carriers are the host processes that carry, oldest first, and the connections that wait for one of them.
type carriers struct {
	mu      sync.Mutex
	all     []*carrier
	waiting map[string]*connection
	lastID  uint64
}

// offer finds a carrier for a connection and returns when it is over.
func (cs *carriers) offer(c *connection) {
	cs.mu.Lock()
	cs.lastID++
	c.wanted.ID = strconv.FormatUint(cs.lastID, 10)
	id := c.wanted.ID
	if cs.waiting == nil {
		cs.waiting = map[string]*connection{}
	}
	cs.mu.Unlock()
	// The oldest first: it is a door that stays, where a later one may be a single command.
	for asked := map[*carrier]bool{}; ; {
		next := cs.next(asked)
		if next == nil {
			c.refuse(unattended)
			return
		}
		asked[next] = true
		cs.mu.Lock()
		c.verdicts = make(chan verdict, 4)
		cs.waiting[id] = c
		cs.mu.Unlock()
		patience := takeTimeout
		if cs.next(asked) == nil {
			patience = lastTakeTimeout
		}
		said := c.ask(next, patience)
		cs.mu.Lock()
		_, still := cs.waiting[id]
		delete(cs.waiting, id)
		cs.mu.Unlock()
		switch {
		case !still: // accepted, perhaps at this moment
			<-c.done
			return
		case said.Refuse != nil:
			c.refuse(*said.Refuse)
			return
		}
	}
}

// ask waits for what one carrier says; the zero verdict is a pass.
func (c *connection) ask(next *carrier, patience time.Duration) verdict {
	line, _ := json.Marshal(c.wanted)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case next.lines <- append(line, '\n'):
	case <-next.gone:
		return verdict{}
	case <-timer.C:
		return verdict{}
	}
	for {
		select {
		case said := <-c.verdicts:
			if !said.Take {
				return said
			}
			timer.Reset(verdictTimeout)
		case <-c.accepted:
			return verdict{}
		case <-next.gone:
			return verdict{}
		case <-timer.C:
			return verdict{}
		}
	}
}

func (cs *carriers) next(asked map[*carrier]bool) *carrier {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, one := range cs.all {
		if !asked[one] {
			return one
		}
	}
	return nil
}

// carry is the request of a carrier: announcements go out, verdicts come in, until either ends it.
func (cs *carriers) carry(w http.ResponseWriter, r *http.Request) (any, error) {
	me := &carrier{lines: make(chan []byte), changed: make(chan struct{}, 1), gone: make(chan struct{})}
	cs.mu.Lock()
	if len(cs.all) >= maxCarriers {
		cs.mu.Unlock()
		return nil, wire.Errorf("limit_reached", "the machine already has %d carriers", maxCarriers).With("limit", maxCarriers)
	}
	cs.all = append(cs.all, me)
	cs.mu.Unlock()
	defer cs.leave(me)
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.Header().Set("content-type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cs.hear(r.Body)
	}()
	for {
		line := []byte("{\"changed\":true}\n")
		select {
		case line = <-me.lines:
		case <-me.changed:
		case <-ended:
			return nil, nil
		case <-me.gone:
			return nil, nil
		case <-r.Context().Done():
			return nil, nil
		}
		if _, err := w.Write(line); err != nil {
			return nil, nil
		}
		if err := control.Flush(); err != nil {
			return nil, nil
		}
	}
}

// tellChanged has every carrier look at its rules: one of them has just changed something.
func (cs *carriers) tellChanged() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, one := range cs.all {
		select {
		case one.changed <- struct{}{}:
		default:
		}
	}
}

// hear takes verdicts until the carrier ends. Any host may answer for any connection: they are all the same user's.
func (cs *carriers) hear(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 4<<10), maxLineBytes)
	for lines.Scan() {
		var said verdict
		if json.Unmarshal(lines.Bytes(), &said) != nil {
			continue
		}
		cs.mu.Lock()
		if c := cs.waiting[said.ID]; c != nil {
			select {
			case c.verdicts <- said:
			default: // nobody waits for so many
			}
		}
		cs.mu.Unlock()
	}
}

func (cs *carriers) leave(me *carrier) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for i, one := range cs.all {
		if one == me {
			cs.all = append(cs.all[:i:i], cs.all[i+1:]...)
			close(me.gone)
			return
		}
	}
}

// accept is the request that carries one connection.
func (cs *carriers) accept(w http.ResponseWriter, r *http.Request) (any, error) {
	cs.mu.Lock()
	c := cs.waiting[r.PathValue("id")]
	delete(cs.waiting, r.PathValue("id"))
	cs.mu.Unlock()
	if c == nil {
		return nil, wire.Errorf("not_found", "no connection waits by that number")
	}
	defer close(c.done)
	close(c.accepted)
	if c.begin() != nil || !tunnel.Join(w, r, c.conn, c.reader) {
		panic(http.ErrAbortHandler) // resets the request: the other end learns that this was no orderly end
	}
	return nil, nil
}
