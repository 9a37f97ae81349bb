package terminal

import (
	"io"
	"net/http"
	"sort"

	"lms-computer/guest/internal/session"
	"lms-computer/guest/internal/wire"
)

const maxBodyBytes = 4 << 20

// request is the body of PUT /v1/terminals/{name}.
type request struct {
	Command string            `json:"command"`
	Session string            `json:"session"`
	Cwd     string            `json:"cwd"`
	Env     map[string]string `json:"env"`
	Term    string            `json:"term"`
	Columns uint16            `json:"columns"`
	Rows    uint16            `json:"rows"`
}

type state struct {
	Name     string `json:"name"`
	Pid      int    `json:"pid"`
	Columns  uint16 `json:"columns"`
	Rows     uint16 `json:"rows"`
	Running  bool   `json:"running"`
	ExitCode *int   `json:"exitCode"`
	Attached int    `json:"attached"`
	Created  bool   `json:"created"`
}

// Register adds the routes of terminals.
func (t *Terminals) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/terminals", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) {
		return map[string]any{"terminals": t.all()}, nil
	}))
	mux.HandleFunc("PUT /v1/terminals/{name}", wire.Handler(t.put))
	mux.HandleFunc("POST /v1/terminals/{name}/attach", wire.Handler(t.withTerminal(t.attach)))
	mux.HandleFunc("PUT /v1/terminals/{name}/size", wire.Handler(t.withTerminal(resize)))
	mux.HandleFunc("DELETE /v1/terminals/{name}", wire.Handler(t.withTerminal(func(_ http.ResponseWriter, _ *http.Request, one *terminal) (any, error) {
		one.hangUp()
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.byName[one.name] == one {
			delete(t.byName, one.name)
		}
		return map[string]any{}, nil
	})))
}

func (t *Terminals) put(_ http.ResponseWriter, r *http.Request) (any, error) {
	name := r.PathValue("name")
	if err := session.ValidName(name); err != nil {
		return nil, err
	}
	req := request{Columns: 80, Rows: 24, Term: "xterm-256color", Session: "main"}
	if err := wire.Body(r, maxBodyBytes, &req); err != nil {
		return nil, err
	}
	if err := validSize(req.Columns, req.Rows); err != nil {
		return nil, err
	}
	if err := session.ValidEnv(req.Env); err != nil {
		return nil, err
	}
	one, created, err := t.open(name, req)
	if err != nil {
		return nil, err
	}
	s := one.state()
	s.Created = created
	return s, nil
}

func validSize(columns, rows uint16) error {
	if columns < 1 || rows < 1 || columns > 1000 || rows > 1000 {
		return wire.Errorf("invalid_argument", "expected columns and rows from 1 to 1000, got %d and %d", columns, rows)
	}
	return nil
}

func (t *Terminals) withTerminal(f func(http.ResponseWriter, *http.Request, *terminal) (any, error)) func(http.ResponseWriter, *http.Request) (any, error) {
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		t.mu.Lock()
		one := t.byName[r.PathValue("name")]
		t.mu.Unlock()
		if one == nil {
			return nil, wire.Errorf("not_found", "there is no terminal %q", r.PathValue("name"))
		}
		return f(w, r, one)
	}
}

// attach joins the request's body to the keyboard and the screen to the answer.
func (t *Terminals) attach(w http.ResponseWriter, r *http.Request, one *terminal) (any, error) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.Header().Set("content-type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	v := one.screen.attach()
	go func() {
		_, _ = io.Copy(keyboard{one.master, t.config.Did}, r.Body)
		one.screen.detach(v) // the host has ended its side, or is gone
	}()
	defer one.screen.detach(v)
	for {
		data := one.screen.next(v)
		if data == nil {
			return nil, nil
		}
		if _, err := w.Write(data); err != nil {
			return nil, nil
		}
		_ = control.Flush()
	}
}

// keyboard is where keys go. Typing keeps a machine awake, looking on does not.
type keyboard struct {
	io.Writer
	typed func()
}

func (k keyboard) Write(keys []byte) (int, error) {
	k.typed()
	return k.Writer.Write(keys)
}

func resize(_ http.ResponseWriter, r *http.Request, one *terminal) (any, error) {
	var size struct{ Columns, Rows uint16 }
	if err := wire.Body(r, maxBodyBytes, &size); err != nil {
		return nil, err
	}
	if err := validSize(size.Columns, size.Rows); err != nil {
		return nil, err
	}
	if err := setSize(one.master, size.Columns, size.Rows); err != nil {
		return nil, wire.Errorf("not_found", "the terminal has ended")
	}
	one.mu.Lock()
	one.columns, one.rows = size.Columns, size.Rows
	one.mu.Unlock()
	return one.state(), nil
}

func (t *terminal) state() state {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := state{Name: t.name, Pid: t.process.Pid, Columns: t.columns, Rows: t.rows, Running: t.running(), Attached: t.screen.attached()}
	if !s.Running {
		code := t.process.ExitCode()
		s.ExitCode = &code
	}
	return s
}

func (t *Terminals) all() []state {
	t.mu.Lock()
	defer t.mu.Unlock()
	states := make([]state, 0, len(t.byName))
	for _, one := range t.byName {
		states = append(states, one.state())
	}
	sort.Slice(states, func(i, j int) bool { return states[i].Name < states[j].Name })
	return states
}
