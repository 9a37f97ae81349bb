package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/spool"
	"lms-computer/guest/internal/wire"
)

const maxQueued = 1000

// Session is a persistent shell with a name. When its shell is lost, a fresh one goes on where it was.
type Session struct {
	name   string
	config Config
	turn   chan struct{} // holds one token: whoever has it may use the shell

	mu      sync.Mutex
	shell   *shell
	from    *state   // where its next shell begins, while it has none
	now     *Command // the one that runs
	queued  int
	removed bool
}

func newSession(name string, config Config) *Session {
	s := &Session{name: name, config: config, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// enter waits for the session to be free; commands run in the order of arrival (a channel's receivers are served first come, first
// served).
func (s *Session) enter(ctx context.Context) error {
	s.mu.Lock()
	if s.queued >= maxQueued {
		s.mu.Unlock()
		return wire.Errorf("limit_reached", "session %s already has %d commands waiting", s.name, maxQueued).With("limit", maxQueued)
	}
	s.queued++
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.queued--; s.mu.Unlock() }()
	select {
	case <-s.turn:
		if ctx.Err() == nil {
			return nil
		}
		s.leave() // both at once
	case <-ctx.Done():
	}
	return wire.Errorf("canceled", "the call was canceled while it waited for session %s", s.name)
}

func (s *Session) leave() { s.turn <- struct{}{} }

// ready gives the session a living shell. Called with the turn.
func (s *Session) ready() (*shell, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.removed {
		return nil, s.gone()
	}
	if s.shell != nil {
		select {
		case <-s.shell.process.Done(): // killed while idle
			s.shell.settle()
			s.lose()
		default:
			if s.shell.intact() {
				return s.shell, nil
			}
			s.lose()
		}
	}
	return s.fresh()
}

// lose gives up the shell and notes where it was; called with the lock held.
func (s *Session) lose() {
	last := s.shell.current()
	s.from = &last
	s.shell.discard()
	s.shell = nil
}

// fresh is called with the lock held.
func (s *Session) fresh() (*shell, error) {
	if s.config.Shell == "" {
		return nil, wire.Errorf("not_supported", "the machine has no shell: neither bash nor sh was found")
	}
	if err := account.Err(); err != nil {
		return nil, err
	}
	shell, err := startShell(s.config, s.from)
	if errors.Is(err, syscall.EAGAIN) {
		return nil, wire.Errorf("limit_reached", "no shell can be started: the machine has as many processes as it may")
	}
	if err != nil {
		return nil, wire.FromOS(err, s.config.Shell)
	}
	s.shell = shell
	return shell, nil
}

func (s *Session) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now == nil
}

// directory is where the next command will run.
func (s *Session) directory() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.shell != nil:
		return s.shell.place()
	case s.from != nil:
		return s.from.cwd
	}
	return s.config.Home
}

// present is where the session is and what it exports. False: it has not begun. A shell that has just reported still saves: it gets a moment.
func (s *Session) present(within time.Duration) (state, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shell == nil {
		if s.from == nil {
			return state{}, false
		}
		return *s.from, true
	}
	if s.now == nil {
		s.shell.saves(within)
	}
	return s.shell.current(), true
}

// launch sends a command to the shell. Called with the turn, which it keeps until the command has ended or moved away. begin is called once
// nothing can fail any more, before the first output.
func (s *Session) launch(id string, r request, sinks [2]func([]byte), begin func(*Command)) (*Command, error) {
	sh, err := s.ready()
	if err != nil {
		return nil, err
	}
	cwd, err := r.directory(sh.place(), s.config.Home)
	if err != nil {
		return nil, err
	}
	if sh.next.stdout == nil || sh.next.stderr == nil {
		if err := sh.prepare(); err != nil {
			return nil, wire.FromOS(err, sh.dir)
		}
	}
	fifos := sh.next
	sh.next = pair{}
	base := filepath.Join(sh.dir, strconv.Itoa(sh.files))
	cut := r.Command
	if len(cut) > 4096 {
		cut = cut[:4096]
	}
	c := &Command{
		id: id, session: s.name, text: cut, shell: sh, kills: make(chan kill), detaches: make(chan struct{}, 1), ended: make(chan struct{}),
		stdout: newOutput(fifos.stdout, filepath.Join(s.config.SpoolDir, id+".stdout"), sinks[0]),
		stderr: newOutput(fifos.stderr, filepath.Join(s.config.SpoolDir, id+".stderr"), sinks[1]),
	}
	send := run{script: base + "c", stdout: fifos.stdout.path, stderr: fifos.stderr.path, dir: sh.dir, save: sh.turn(), cwd: cwd, env: r.Env}
	fail := func(err error) (*Command, error) {
		fifos.stdout.close()
		fifos.stderr.close()
		c.stdin.end()
		send.remove()
		_ = sh.prepare()
		return nil, wire.FromOS(err, sh.dir)
	}
	if err := writeFor(send.script, []byte(r.Command+"\n")); err != nil {
		return fail(err)
	}
	if r.Stdin {
		if c.stdin, err = newStdin(base + "i"); err != nil {
			return fail(err)
		}
		send.stdin = c.stdin.path
	}
	if err := sh.update(s.config, &send); err != nil {
		return fail(err)
	}
	marker := process.NewMarker(id)
	if send.env == nil {
		send.env = map[string]string{}
	}
	send.env[process.Marker] = marker
	if len(send.env) > 1 || cwd != "" {
		send.around = base + "a"
		if err := writeFor(send.around, []byte(send.call()+"\n")); err != nil {
			return fail(err)
		}
	}
	send.nonce = sh.expect()
	c.asks = send.report()
	_ = os.Remove(sh.saving()) // of two commands ago: what is there must be this one's
	c.started = time.Now()
	c.tree.Store(&process.Tree{Shell: sh.process.Pid, ID: marker, Since: process.BootTicks()})
	if err := s.begins(c); err != nil {
		return fail(err)
	}
	sh.latest.Store(c)
	begin(c)
	s.config.hub.publish("begin", c)
	go c.stdout.pump()
	go c.stderr.pump()
	_ = sh.send(send) // a shell that is gone is seen by watch
	go s.follow(c, send)
	return c, nil
}

// begins makes c the command that runs, which remove kills.
func (s *Session) begins(c *Command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.removed {
		return s.gone()
	}
	s.now = c
	return nil
}

func (s *Session) gone() error {
	return wire.Errorf("not_found", "session %s was removed while the command waited for it", s.name)
}

func newOutput(f *fifo, path string, sink func([]byte)) *output {
	raw, _ := f.reader.SyscallConn() // fails on a closed file alone
	return &output{fifo: f, raw: raw, log: spool.New(path), sink: sink, drained: make(chan struct{})}
}

// follow watches a command to its end and then frees the session, with a fresh shell if that one is lost.
func (s *Session) follow(c *Command, sent run) {
	c.watch()
	if first := c.shell; s.again(c, &sent) {
		defer first.discard() // the command's files are among its own
		c.watch()
	}
	c.settle()
	c.reason = c.reasonOf(s.config.ooms)
	if s.config.Ended != nil {
		s.config.Ended()
	}
	s.mu.Lock()
	mine := s.now == c // else it has moved
	if mine {
		s.now = nil
		if c.fate != "kept" && s.shell == c.shell {
			s.lose()
			if !s.removed {
				_, _ = s.fresh() // on failure the next command tries again, and says so
			}
		}
	}
	close(c.ended)
	s.mu.Unlock()
	s.config.Did()
	s.config.hub.publish("end", c)
	// The result is on its way first.
	runtime.Gosched()
	c.tidy()
	sent.remove()
	switch {
	case !mine:
		c.shell.discard()
	case c.fate == "kept":
		_ = c.shell.prepare()
		s.leave()
	default:
		s.leave()
	}
}

// again has a fresh shell take a command that its own never began: it was about to be killed when that was sent, as all are by a `kill -9 -1`.
func (s *Session) again(c *Command, sent *run) bool {
	old := c.shell
	if c.fate != "killed" || c.killed || old.began(*sent) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != c || s.removed {
		return false
	}
	last := old.current()
	s.from = &last
	sh, err := s.fresh()
	if err != nil {
		return false
	}
	sent.dir, sent.save, sent.nonce = sh.dir, sh.turn(), sh.expect()
	c.shell, c.asks = sh, sent.report()
	tree := *c.tree.Load()
	tree.Shell = sh.process.Pid
	c.tree.Store(&tree)
	sh.latest.Store(c)
	_ = sh.send(*sent)
	return true
}

// move lets a running command go on as a job with the shell it has; the session gets a fresh one. False: it has just ended.
func (s *Session) move(c *Command) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != c || !c.running() {
		return false
	}
	last := c.shell.current()
	s.now, s.shell, s.from = nil, nil, &last
	_, _ = s.fresh()
	s.leave()
	return true
}

// remove kills the shell and what runs in it.
func (s *Session) remove() {
	s.mu.Lock()
	s.removed = true
	now := s.now
	s.mu.Unlock()
	if now != nil {
		now.Kill(kill{signal: syscall.SIGTERM, grace: terminateGrace})
	}
	<-s.turn // nobody gets in any more: ready refuses
	s.drop()
	s.leave()
}

// drop lets go of the shell, for good.
func (s *Session) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shell != nil {
		s.shell.discard()
		s.shell = nil
	}
}
