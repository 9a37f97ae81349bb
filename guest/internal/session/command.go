package session

import (
	"sync/atomic"
	"syscall"
	"time"

	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/spool"
	"lms-computer/guest/internal/wire"
)

// How long a command has after an interrupt, and then after a TERM.
const (
	interruptGrace = 500 * time.Millisecond
	terminateGrace = 500 * time.Millisecond
)

// exitTimedOut is what coreutils' timeout answers.
const exitTimedOut = 124

// Command is one command of a session, while it runs and for as long as it is remembered.
type Command struct {
	id      string
	session string
	text    string // cut
	shell   *shell
	stdout  *output
	stderr  *output
	stdin   *stdin
	tree    atomic.Pointer[process.Tree]
	asks    string // the line that makes the shell report
	started time.Time

	kills    chan kill
	detaches chan struct{} // holds one: whoever asked for it need not wait
	ended    chan struct{} // closed once the fields below are set

	exitCode int
	timedOut bool
	killed   bool   // by somebody who asked for it
	reason   string // see reason.go
	fate     string // of the shell: kept, exited, killed
	cwd      string
	finished time.Time
	ticks    uint64 // the same, as process.BootTicks
}

// kill asks for the end of a command.
type kill struct {
	signal   syscall.Signal
	grace    time.Duration
	timedOut bool
}

// watch waits for the command's end.
func (c *Command) watch() {
	select {
	case r := <-c.shell.reports:
		c.report(r)
	case <-c.shell.process.Done():
		c.lost()
	case k := <-c.kills:
		c.takeDown(k)
	}
}

// settle is called once it has ended.
func (c *Command) settle() {
	c.finished, c.ticks = time.Now(), process.BootTicks()
	c.stdout.settle()
	c.stderr.settle()
}

// tidy lets go of what the command had, but for its logs.
func (c *Command) tidy() {
	c.stdin.end()
	c.stdout.letGo()
	c.stderr.letGo()
}

func (c *Command) report(r report) { c.exitCode, c.fate, c.cwd = r.status, "kept", r.text }

// lost is for a shell that ended: by `exit`, `exec` or `set -e`, or by a signal.
func (c *Command) lost() {
	// It may have reported and then died.
	c.shell.settle()
	c.fate = "exited"
	if c.shell.process.Signaled() {
		c.fate = "killed"
	}
	c.exitCode, c.cwd = c.shell.process.ExitCode(), c.shell.current().cwd
	select {
	case r := <-c.shell.reports:
		c.exitCode, c.cwd = r.status, r.text
	default:
	}
}

// end kills the shell.
func (c *Command) end() {
	if c.shell.process.Kill() {
		c.lost()
		return
	}
	c.exitCode, c.fate, c.cwd = 128+int(syscall.SIGKILL), "killed", c.shell.place()
}

// takeDown ends the tree and brings the shell back to its prompt. An interrupt of shell and tree aborts the list that runs, as Ctrl-C
// does at a prompt. What does not heed it is told to end with the shell standing still, and then the shell goes too: it would take the next
// command of the list otherwise, since a child that does not die of the interrupt makes bash go on.
func (c *Command) takeDown(k kill) {
	tree := c.tree.Load()
	if !c.interrupt() {
		c.shell.process.Signal(syscall.SIGSTOP)
		tree.Signal(k.signal)
		if !tree.Gone(k.grace) {
			tree.Kill()
		}
		c.end()
	} else {
		if !tree.Gone(0) { // what the list left in the background
			tree.Signal(k.signal)
			if !tree.Gone(k.grace) {
				tree.Kill()
			}
		}
		if c.fate == "kept" && !c.shell.answers() {
			c.shell.process.Kill()
			c.shell.settle()
			tree.Kill() // it may have gone on in its list and started more
			c.fate = "killed"
		}
	}
	process.Settle()
	c.killed = true
	if k.timedOut {
		c.exitCode, c.timedOut = exitTimedOut, true
	}
}

// interrupt tells whether the shell came back, or ended.
func (c *Command) interrupt() bool {
	c.shell.process.Signal(syscall.SIGINT)
	c.tree.Load().Signal(syscall.SIGINT)
	for turn := range 2 {
		select {
		case r := <-c.shell.reports:
			c.report(r)
			return true
		case <-c.shell.process.Done():
			c.lost()
			return true
		case <-time.After(interruptGrace / 2):
		}
		if turn == 0 {
			_ = c.shell.write(c.asks) // it may have been interrupted before it said that it begins
		}
	}
	return false
}

// Kill ends the command; it returns when it has ended.
func (c *Command) Kill(k kill) {
	select {
	case c.kills <- k:
	case <-c.ended:
	}
	<-c.ended
}

// KillRest ends what a command that has ended left in the background. Once another one has begun in its shell, what bears no marker may be
// that one's, and stays.
func (c *Command) KillRest(k kill) {
	tree := *c.tree.Load()
	if c.shell.latest.Load() != c {
		tree.Until = c.ticks
	}
	if tree.Signal(k.signal) > 0 && !tree.Gone(k.grace) {
		tree.Kill()
	}
	process.Settle()
}

func (c *Command) running() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// logOf returns the log of a stream by its name.
func (c *Command) logOf(stream string) (*spool.Log, error) {
	switch stream {
	case "", "stdout":
		return c.stdout.log, nil
	case "stderr":
		return c.stderr.log, nil
	}
	return nil, wire.Errorf("invalid_argument", "expected stream to be stdout or stderr, got %q", stream)
}

type streamState struct {
	Bytes int64 `json:"bytes"`
}

// commandState is what the protocol tells of a command.
type commandState struct {
	ID         string      `json:"id"`
	Session    string      `json:"session"`
	Command    string      `json:"command"`
	Running    bool        `json:"running"`
	ExitCode   *int        `json:"exitCode"`
	Reason     string      `json:"reason,omitempty"`
	TimedOut   bool        `json:"timedOut"`
	StartedAt  int64       `json:"startedAt"`
	DurationMs int64       `json:"durationMs"`
	Pid        int         `json:"pid"`
	Stdout     streamState `json:"stdout"`
	Stderr     streamState `json:"stderr"`
	ReadsInput bool        `json:"readsInput,omitempty"`
}

func (c *Command) state() commandState {
	s := commandState{
		ID: c.id, Session: c.session, Command: c.text, Running: c.running(), Pid: c.tree.Load().Shell,
		StartedAt: c.started.UnixMilli(), DurationMs: time.Since(c.started).Milliseconds(),
		Stdout: streamState{c.stdout.log.Total()}, Stderr: streamState{c.stderr.log.Total()},
	}
	if !s.Running {
		code := c.exitCode
		s.ExitCode, s.Reason, s.TimedOut, s.DurationMs = &code, c.reason, c.timedOut, c.finished.Sub(c.started).Milliseconds()
	}
	return s
}
