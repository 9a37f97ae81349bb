package session

import (
	"net/http"
	"strconv"
	"syscall"
	"time"

	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/wire"
)

const maxBodyBytes = 64 << 20 // JSON may take six bytes for one

// Register adds the routes of commands and sessions.
func (s *Sessions) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/exec", wire.Handler(s.exec))
	mux.HandleFunc("GET /v1/commands", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) {
		return map[string]any{"commands": s.allCommands()}, nil
	}))
	mux.HandleFunc("POST /v1/commands", wire.Handler(s.start))
	mux.HandleFunc("GET /v1/commands/{id}", wire.Handler(s.withCommand(func(_ http.ResponseWriter, _ *http.Request, c *Command) (any, error) {
		return c.state(), nil
	})))
	mux.HandleFunc("GET /v1/commands/{id}/wait", wire.Handler(s.withCommand(wait)))
	mux.HandleFunc("GET /v1/commands/{id}/output", wire.Handler(s.withCommand(readOutput)))
	mux.HandleFunc("PUT /v1/commands/{id}/stdin", wire.Handler(s.withCommand(writeStdin)))
	mux.HandleFunc("POST /v1/commands/{id}/kill", wire.Handler(s.withCommand(killCommand)))
	mux.HandleFunc("POST /v1/commands/{id}/detach", wire.Handler(s.withCommand(detach)))
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("GET /v1/environment", wire.Handler(s.getEnvironment))
	mux.HandleFunc("PUT /v1/environment", wire.Handler(s.putEnvironment))
	mux.HandleFunc("GET /v1/sessions", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) {
		return map[string]any{"sessions": s.all()}, nil
	}))
	mux.HandleFunc("PUT /v1/sessions/{name}", wire.Handler(s.putSession))
	mux.HandleFunc("DELETE /v1/sessions/{name}", wire.Handler(func(_ http.ResponseWriter, r *http.Request) (any, error) {
		return map[string]any{}, s.remove(r.PathValue("name"))
	}))
}

type streamResult struct {
	Bytes   int64 `json:"bytes"`
	Omitted int64 `json:"omittedBytes"`
}

type result struct {
	ID         string       `json:"id"`
	Session    string       `json:"session"`
	ExitCode   *int         `json:"exitCode"`
	Reason     string       `json:"reason,omitempty"`
	TimedOut   bool         `json:"timedOut"`
	Running    bool         `json:"running"`
	DurationMs int64        `json:"durationMs"`
	Cwd        string       `json:"cwd"`
	Shell      string       `json:"shell"`
	Stdout     streamResult `json:"stdout"`
	Stderr     streamResult `json:"stderr"`
}

func (s *Sessions) exec(w http.ResponseWriter, r *http.Request) (any, error) {
	var req request
	if err := wire.Body(r, maxBodyBytes, &req); err != nil {
		return nil, err
	}
	if err := req.validate(); err != nil {
		return nil, err
	}
	session, err := s.open(req.Session)
	if err != nil {
		return nil, err
	}
	if err := session.enter(r.Context()); err != nil {
		return nil, err
	}
	out := newFrames(w)
	defer out.close()
	var sinks [2]func([]byte)
	if req.MaxOutputBytes == nil {
		sinks[0] = func(data []byte) { out.write(frameStdout, data) }
		sinks[1] = func(data []byte) { out.write(frameStderr, data) }
	}
	id := s.nextID()
	c, err := session.launch(id, req, sinks, func(c *Command) {
		s.remember(c) // first: whoever has heard of it may ask for it
		out.json(frameStarted, map[string]string{"id": id, "session": req.Session})
	})
	if err != nil {
		session.leave()
		return nil, err
	}
	timedOut, moved := false, false
	var timeout <-chan time.Time
	if req.TimeoutMs > 0 {
		timer := time.NewTimer(time.Duration(req.TimeoutMs) * time.Millisecond)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-c.ended:
	case <-c.detaches:
		if moved = session.move(c); !moved { // it has just ended
			<-c.ended
		}
	case <-timeout:
		timedOut = true
		if req.OnTimeout == "job" {
			moved = session.move(c)
		}
		if !moved {
			c.Kill(kill{signal: syscall.SIGTERM, grace: terminateGrace, timedOut: true})
		}
	case <-r.Context().Done():
		c.Kill(kill{signal: syscall.SIGTERM, grace: terminateGrace})
		return nil, nil
	}
	answer := result{ID: id, Session: req.Session, TimedOut: timedOut, Running: moved, DurationMs: time.Since(c.started).Milliseconds()}
	if moved {
		answer.Shell, answer.Cwd = "moved", session.directory()
	} else {
		for _, o := range []*output{c.stdout, c.stderr} {
			select {
			case <-o.drained:
			case <-r.Context().Done():
				return nil, nil
			}
		}
		code := c.exitCode
		answer.ExitCode, answer.TimedOut, answer.Shell, answer.Cwd, answer.Reason = &code, c.timedOut, c.fate, c.cwd, c.reason
	}
	answer.Stdout = out.stream(frameStdout, c.stdout, req.MaxOutputBytes)
	answer.Stderr = out.stream(frameStderr, c.stderr, req.MaxOutputBytes)
	out.json(frameResult, answer)
	return nil, nil
}

// stream sends the collected head and tail of a stream, where the caller asked for no more.
func (f *frames) stream(kind byte, o *output, max *int64) streamResult {
	if max == nil {
		return streamResult{Bytes: o.log.Total()}
	}
	head, tail, omitted := o.log.HeadTail(*max)
	for _, part := range [][]byte{head, tail} {
		if len(part) > 0 {
			f.write(kind, part)
		}
	}
	return streamResult{Bytes: int64(len(head)+len(tail)) + omitted, Omitted: omitted}
}

func (s *Sessions) withCommand(f func(http.ResponseWriter, *http.Request, *Command) (any, error)) func(http.ResponseWriter, *http.Request) (any, error) {
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		c, err := s.command(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return f(w, r, c)
	}
}

func readOutput(w http.ResponseWriter, r *http.Request, c *Command) (any, error) {
	const most = 16 << 20
	log, err := c.logOf(r.URL.Query().Get("stream"))
	if err != nil {
		return nil, err
	}
	offset, err := wire.Int(r, "offset", 0, 0, 1<<62)
	if err != nil {
		return nil, err
	}
	length, err := wire.Int(r, "length", 64<<10, 0, most)
	if err != nil {
		return nil, err
	}
	data, from := log.Read(offset, length)
	w.Header().Set("content-type", "application/octet-stream")
	w.Header().Set("lms-offset", strconv.FormatInt(from, 10))
	w.Header().Set("lms-total", strconv.FormatInt(log.Total(), 10))
	_, _ = w.Write(data)
	return nil, nil
}

func writeStdin(_ http.ResponseWriter, r *http.Request, c *Command) (any, error) {
	if c.stdin == nil {
		return nil, wire.Errorf("not_supported", "command %s was started without stdin", c.id)
	}
	return map[string]any{}, c.stdin.copyFrom(r.Body, wire.Flag(r, "eof"))
}

func killCommand(_ http.ResponseWriter, r *http.Request, c *Command) (any, error) {
	body := struct {
		Signal  string `json:"signal"`
		GraceMs int64  `json:"graceMs"`
	}{"TERM", 2000}
	if err := wire.Body(r, maxBodyBytes, &body); err != nil {
		return nil, err
	}
	signal, err := process.SignalNamed(body.Signal, process.EndingSignals)
	if err != nil {
		return nil, err
	}
	if body.GraceMs < 0 || body.GraceMs > 60_000 {
		return nil, wire.Errorf("invalid_argument", "expected graceMs from 0 to 60000, got %d", body.GraceMs)
	}
	k := kill{signal: signal, grace: time.Duration(body.GraceMs) * time.Millisecond}
	if c.running() {
		c.Kill(k)
	} else {
		c.KillRest(k)
	}
	return c.state(), nil
}

func (s *Sessions) putSession(_ http.ResponseWriter, r *http.Request) (any, error) {
	name := r.PathValue("name")
	if err := ValidName(name); err != nil {
		return nil, err
	}
	session, err := s.open(name)
	if err != nil {
		return nil, err
	}
	if session.idle() {
		if err := session.enter(r.Context()); err != nil {
			return nil, err
		}
		defer session.leave()
		if _, err := session.ready(); err != nil {
			return nil, err
		}
	}
	return session.state(), nil
}
