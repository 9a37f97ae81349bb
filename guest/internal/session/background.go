package session

import (
	"net/http"
	"syscall"
	"time"

	"lms-computer/guest/internal/wire"
)

// start runs a command as a job from the first: in a shell of its own that begins where the session is. The session itself is not
// touched, nor waited for.
func (s *Sessions) start(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req request
	if err := wire.Body(r, maxBodyBytes, &req); err != nil {
		return nil, err
	}
	if err := req.validate(); err != nil {
		return nil, err
	}
	if s.jobs() >= maxJobs {
		return nil, wire.Errorf("limit_reached", "the machine already runs %d commands", maxJobs).With("limit", maxJobs)
	}
	from := s.stateOf(req.Session)
	own := newSession(req.Session, s.config)
	own.from = &from
	<-own.turn
	c, err := own.launch(s.nextID(), req, [2]func([]byte){}, s.remember)
	if err != nil {
		own.drop()
		return nil, err
	}
	own.mu.Lock()
	own.removed = true // its shell ends with it
	own.mu.Unlock()
	if req.TimeoutMs > 0 {
		timer := time.AfterFunc(time.Duration(req.TimeoutMs)*time.Millisecond, func() {
			c.Kill(kill{signal: syscall.SIGTERM, grace: terminateGrace, timedOut: true})
		})
		go func() { <-c.ended; timer.Stop() }()
	}
	go func() {
		<-own.turn // when it has ended
		own.drop()
	}()
	return c.state(), nil
}

// Busy tells whether a command runs.
func (s *Sessions) Busy() bool { return s.jobs() > 0 }

// jobs is how many commands run.
func (s *Sessions) jobs() (running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		if c.running() {
			running++
		}
	}
	return running
}
