// Package terminal runs programs that need a terminal. A terminal has a name and outlives its viewers.
package terminal

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/session"
	"lms-computer/guest/internal/wire"
)

const (
	maxTerminals = 64
	hangUpGrace  = 500 * time.Millisecond
)

type terminal struct {
	name    string
	process *process.Process
	master  *os.File
	screen  *screen
	tree    process.Tree
	script  string
	// One command alone; else a shell, which waits for keys most of the time.
	command bool

	mu            sync.Mutex
	columns, rows uint16
}

// Terminals are all terminals of a machine.
type Terminals struct {
	config session.Config
	state  func(session string) (cwd string, exports []byte)

	mu     sync.Mutex
	byName map[string]*terminal
}

// New makes the terminals of a machine; state tells where a session is and what it exported.
func New(config session.Config, state func(string) (string, []byte)) *Terminals {
	return &Terminals{config: config, state: state, byName: map[string]*terminal{}}
}

// open returns the terminal of that name, making it if it is missing or its program has ended.
func (t *Terminals) open(name string, r request) (*terminal, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.byName[name]; old != nil {
		if old.running() {
			return old, false, nil
		}
		delete(t.byName, name)
	}
	if len(t.byName) >= maxTerminals {
		return nil, false, wire.Errorf("limit_reached", "the machine already has %d terminals", maxTerminals).With("limit", maxTerminals)
	}
	made, err := t.start(name, r)
	if err != nil {
		return nil, false, err
	}
	t.byName[name] = made
	return made, true, nil
}

func (t *Terminals) start(name string, r request) (*terminal, error) {
	if t.config.Shell == "" {
		return nil, wire.Errorf("not_supported", "the machine has no shell: neither bash nor sh was found")
	}
	if err := account.Err(); err != nil {
		return nil, err
	}
	current, exports := t.state(r.Session)
	cwd := current
	if r.Cwd != "" {
		resolved, err := session.Directory(r.Cwd, current, t.config.Home)
		if err != nil {
			return nil, err
		}
		cwd = resolved
	}
	if !session.Enterable(cwd) {
		cwd = "/"
	}
	script, err := os.CreateTemp(t.config.RunDir, "terminal-")
	if err != nil {
		return nil, wire.FromOS(err, t.config.RunDir)
	}
	defer script.Close()
	if err := account.Give(script); err != nil {
		return nil, wire.FromOS(err, script.Name())
	}
	if _, err := script.WriteString(startScript(t.config.Shell, script.Name(), exports, r)); err != nil {
		return nil, wire.FromOS(err, t.config.RunDir)
	}
	master, slave, err := openPty(r.Columns, r.Rows)
	if err != nil {
		_ = os.Remove(script.Name())
		return nil, wire.FromOS(err, "/dev/ptmx")
	}
	defer slave.Close()
	_ = account.Give(slave) // what is not root may want to open its terminal again, by its name
	argv := []string{t.config.Shell, script.Name()}
	if filepath.Base(t.config.Shell) == "busybox" {
		argv = []string{t.config.Shell, "sh", script.Name()}
	}
	made := &terminal{name: name, master: master, screen: newScreen(), script: script.Name(), command: r.Command != "", columns: r.Columns, rows: r.Rows}
	tty := slave.Fd()
	made.tree = process.Tree{ID: process.NewMarker("terminal." + name), Since: process.BootTicks()}
	made.process, err = process.StartShell(argv, &syscall.ProcAttr{
		Dir:   cwd,
		Env:   append(append([]string{}, t.config.Env...), "TERM="+r.Term, process.Marker+"="+made.tree.ID),
		Files: []uintptr{tty, tty, tty},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Credential: account.Credential()},
	})
	if err != nil {
		master.Close()
		_ = os.Remove(script.Name())
		return nil, wire.FromOS(err, t.config.Shell)
	}
	made.tree.Shell = made.process.Pid
	go made.pump()
	return made, nil
}

// startScript takes over a session's environment and turns into the program.
func startScript(shell, path string, exports []byte, r request) string {
	var b strings.Builder
	b.WriteString("rm -f " + session.Quote(path) + " 2>/dev/null\n") // only root can; else it goes when the terminal does
	b.Write(exports)
	b.WriteString("\nTERM=" + session.Quote(r.Term) + "; export TERM\n")
	for name, value := range r.Env {
		b.WriteString(name + "=" + session.Quote(value) + "; export " + name + "\n")
	}
	switch {
	case r.Command != "":
		b.WriteString("eval " + session.Quote(r.Command) + "\n")
	case filepath.Base(shell) == "busybox":
		b.WriteString("exec " + shell + " sh -il\n")
	default:
		b.WriteString("exec " + shell + " -il\n")
	}
	return b.String()
}

// pump reads the screen until the program and all it left on the terminal have ended.
func (t *terminal) pump() {
	ended := make(chan struct{})
	go func() {
		<-t.process.Done()
		select { // the rest of the output; a background child may keep the terminal open
		case <-ended:
		case <-time.After(hangUpGrace):
			t.tree.Kill()
		}
		t.master.Close()
		_ = os.Remove(t.script)
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := t.master.Read(buffer)
		if n > 0 {
			t.screen.write(buffer[:n])
		}
		if err != nil { // EIO: nobody has the other end open
			break
		}
	}
	close(ended)
	<-t.process.Done()
	t.screen.end()
}

func (t *terminal) running() bool {
	select {
	case <-t.process.Done():
		return false
	default:
		return true
	}
}

// Busy tells whether a program runs in a terminal. A shell at its prompt is none: it is itself what the terminal listens to.
func (t *Terminals) Busy() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.byName {
		if !one.running() {
			continue
		}
		if group := foreground(one.master); one.command || group != 0 && group != one.process.Pid {
			return true
		}
	}
	return false
}

// hangUp ends the program and all it started.
func (t *terminal) hangUp() {
	t.process.Signal(syscall.SIGHUP)
	t.process.Signal(syscall.SIGCONT)
	t.tree.Signal(syscall.SIGHUP)
	select {
	case <-t.process.Done():
	case <-time.After(hangUpGrace):
		t.process.Kill()
	}
	t.tree.Kill()
}
