package session

import (
	"encoding/json"
	"net/http"
	"sync"
)

// maxUnread is how many events wait for a subscriber that reads slowly; what is more is counted, not kept.
const maxUnread = 1024

// event tells that a command began or ended.
type event struct {
	Type    string        `json:"type"` // begin, end; lost: Count events that the subscriber was too slow for
	Command *commandState `json:"command,omitempty"`
	Count   int           `json:"count,omitempty"`
}

// hub hands events to whoever listens. Nobody who listens holds up a command.
type hub struct {
	mu          sync.Mutex
	subscribers map[*subscriber]bool
}

type subscriber struct {
	events chan event
	lost   int
}

func (h *hub) publish(kind string, c *Command) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subscribers) == 0 {
		return
	}
	state := c.state()
	for s := range h.subscribers {
		select {
		case s.events <- event{Type: kind, Command: &state}:
		default:
			s.lost++
		}
	}
}

func (h *hub) subscribe() *subscriber {
	s := &subscriber{events: make(chan event, maxUnread)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[s] = true
	return s
}

func (h *hub) leave(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers, s)
}

// takeLost is how many events the subscriber missed since it was last asked.
func (h *hub) takeLost(s *subscriber) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	lost := s.lost
	s.lost = 0
	return lost
}

// events sends what happens from now on, a JSON object on each line, until the request is given up.
func (s *Sessions) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("content-type", "application/x-ndjson")
	listener := s.config.hub.subscribe()
	defer s.config.hub.leave(listener)
	control := http.NewResponseController(w)
	_ = control.Flush() // the headers say that nothing is missed any more
	lines := json.NewEncoder(w)
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-listener.events:
			if lost := s.config.hub.takeLost(listener); lost > 0 && lines.Encode(event{Type: "lost", Count: lost}) != nil {
				return
			}
			if lines.Encode(e) != nil {
				return
			}
			if len(listener.events) == 0 && control.Flush() != nil {
				return
			}
		}
	}
}
