package boot

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// stopGrace is from TERM to KILL, bootDeadline what another one gets that holds the lock.
const (
	stopGrace    = 2 * time.Second
	bootDeadline = 10 * time.Second
)

// start boots the machine, answers, and stays as its supervisor until PID 1 is gone.
func start(in io.Reader, out io.Writer) error {
	spec, err := parseSpec(in)
	if err != nil {
		return err
	}
	held, err := lockUnlessReady(spec.Directory)
	if err != nil {
		return err
	}
	if held == nil {
		reply(out, answer{Status: "running"})
		return nil
	}
	defer held.Close()
	stopping := make(chan os.Signal, 1)
	signal.Notify(stopping, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	cleanUp(spec.Directory)
	place := &place{directory: spec.Directory}
	defer func() { cleanUp(place.settle()) }()
	if err := applyNext(spec.Directory, spec.Next); err != nil {
		return err
	}

	// Before anything else is made: the umask that sockets need is that of all threads.
	control, err := listen(spec.Directory, controlSocket)
	if err != nil {
		return err
	}
	// The agent's is the host's too: made here, in a directory that the guest never sees, and handed in as an open descriptor.
	// So no path that a guest controls is ever used to reach it.
	agent, err := listen(spec.Directory, agentSocket)
	if err != nil {
		return err
	}
	agent.SetUnlinkOnClose(false)
	// It stays open, and so locked, until this process ends.
	etc := sync.OnceValue(func() *os.File {
		if spec.Shared == "" {
			return nil
		}
		shared, _ := shareConfiguration("/etc", spec.Shared) // without one it is copied
		return shared
	})
	go etc()
	defer func() { _ = etc().Close() }()
	launched := endWhenStopped(stopping)
	child, groups, warnings, err := launch(spec, agent, etc)
	launched()
	if err != nil {
		return err
	}
	if err := record(spec.Directory, warnings); err != nil {
		_ = child.Process.Kill()
		_ = child.Wait()
		return err
	}
	reply(out, answer{Status: "started", Warnings: warnings})

	letGoOfStdio()
	freezer := findFreezer(spec.Directory)
	master := &supervisor{place: place, groups: groups, stopping: stopping, freezer: freezer}
	go master.serve(control)
	go func() { _ = removeTree(spec.Directory, oldDirectory) }()
	ended := make(chan struct{})
	go func() {
		_ = child.Wait()
		close(ended)
	}()
	runtime.GOMAXPROCS(1)
	debug.FreeOSMemory()
	// Who comes from now on waits until all is cleaned up, as those do who have asked for it.
	select {
	case <-ended:
		master.leaving.Store(true)
	case <-stopping:
		master.leaving.Store(true)
		freezer.end()
		terminate(child.Process, ended)
	}
	if spec.UnheldMs > 0 && !master.keep.Load() {
		_ = clearAway(place.settle()) // what is left when it fails is broken, and a leftover
	}
	return nil
}

// endWhenStopped is for as long as the machine is made, which may stand in the kernel, before a file system of the network that does not answer:
// TERM then ends this process, PID 1 dies with it, and the next start cleans up, as after a kill.
func endWhenStopped(stopping <-chan os.Signal) (launched func()) {
	up, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-stopping:
			os.Exit(1)
		case <-up:
		}
	}()
	return func() { close(up); <-done }
}

// terminate asks PID 1 to end and kills it after the grace. It asks again and again, since the kernel drops a signal for which
// the PID 1 of a namespace has no handler yet (pid_namespaces(7)): it may have been started only just now.
func terminate(agent *os.Process, ended <-chan struct{}) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for over := time.After(stopGrace); ; {
		_ = agent.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-again.C:
		case <-over:
			// The kernel kills every other process of a pid namespace before its PID 1 can be waited for.
			_ = agent.Kill()
			<-ended
			return
		}
	}
}

// record leaves the warnings for whoever asks later. Only the holder of the lock writes it.
func record(directory string, warnings []string) error {
	data, err := json.Marshal(map[string]any{"warnings": append([]string{}, warnings...)})
	if err != nil {
		return err
	}
	path := filepath.Join(directory, bootFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// cleanUp removes what a machine has outside of its files, also what one that was killed has left.
func cleanUp(directory string) {
	thawAny(directory)
	removeGroups(directory)
	_ = os.Remove(filepath.Join(directory, agentSocket))
	_ = os.Remove(filepath.Join(directory, controlSocket))
}

// supervisor is what a machine is asked through its control socket.
type supervisor struct {
	place    *place
	groups   []group
	stopping chan<- os.Signal
	freezer  *freezer
	// An ephemeral machine that is stopped to be started again keeps its files.
	keep atomic.Bool

	// It ends, or has ended: what is left is to clean up.
	leaving atomic.Bool

	frozen sync.Mutex
	limits sync.Mutex
}

// serve says "ready" to each who connects, and does what comes in lines:
//
//	stop           stops the machine; halt is the same, and an ephemeral one keeps its files
//	freeze, thaw   has it stand still
//	limit JSON     sets limits anew
//	state, resume  whether somebody else has it stand still; lets it go on then
//	rename NAME    moves its directory, running as it is, to another name beside it
//
// Connections of who stops it stay open until this process is gone, so that their end says: all is cleaned up. Who says "freeze" has the machine
// stand still until "thaw", or until the connection ends: it must not stay so when that process is killed.
func (s *supervisor) serve(control net.Listener) {
	for {
		connection, err := control.Accept()
		if err != nil {
			return
		}
		go s.converse(connection)
	}
}

func (s *supervisor) converse(connection net.Conn) {
	defer connection.Close()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(connection, format+"\n", args...) }
	lines := bufio.NewScanner(connection)
	if s.leaving.Load() {
		// Who wants to freeze it holds the lock of its files, for which its end may have to wait.
		if lines.Scan() && lines.Text() == "freeze" {
			return
		}
		select {} // until the process ends
	}
	say("ready")
	thaw := func() {}
	defer func() { thaw() }()
	for lines.Scan() {
		verb, argument, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "freeze":
			s.frozen.Lock()
			thaw = sync.OnceFunc(func() { s.freezer.goOn(); s.frozen.Unlock() })
			if err := s.freezer.stop(); err != nil {
				thaw()
				say("not frozen: %s", err)
				continue
			}
			say("frozen")
		case "thaw":
			thaw()
			say("thawed")
		case "state":
			say(map[bool]string{true: "paused", false: "running"}[s.pausedByOthers(false)])
		case "resume":
			s.pausedByOthers(true)
			say("resumed")
		case "limit":
			if err := s.limit(argument); err != nil {
				say("not limited: %s", err)
				continue
			}
			say("limited")
		case "rename":
			if err := s.place.rename(argument); err != nil {
				say("not renamed: %s", err)
				continue
			}
			say("renamed")
		case "halt", "stop":
			s.keep.Store(verb == "halt")
			select {
			case s.stopping <- syscall.SIGTERM:
			default:
			}
			select {} // until the process ends
		}
	}
}

// pausedByOthers looks whether the machine stands still without our having stopped it, and lets it go on if that is wanted.
func (s *supervisor) pausedByOthers(resume bool) bool {
	if s.freezer == nil || !s.frozen.TryLock() {
		return false
	}
	defer s.frozen.Unlock()
	is := s.freezer.isStill()
	if is && resume {
		s.freezer.goOn()
	}
	return is
}

// limit sets the limits that are named, and leaves the others.
func (s *supervisor) limit(text string) error {
	var wanted struct {
		CPUs        *float64 `json:"cpus"`
		MemoryBytes *int64   `json:"memoryBytes"`
		PIDs        *int64   `json:"pids"`
	}
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		return err
	}
	spec := Spec{}
	named := map[string]bool{"cpu": wanted.CPUs != nil, "memory": wanted.MemoryBytes != nil, "pids": wanted.PIDs != nil}
	if wanted.CPUs != nil {
		spec.CPUs = *wanted.CPUs
	}
	if wanted.MemoryBytes != nil {
		spec.MemoryBytes = *wanted.MemoryBytes
	}
	if wanted.PIDs != nil {
		spec.PIDs = *wanted.PIDs
	}
	s.limits.Lock()
	defer s.limits.Unlock()
	for _, g := range s.groups {
		for _, controller := range g.Controllers {
			if !named[controller] {
				continue
			}
			delete(named, controller)
			if err := g.limit(controller, &spec); err != nil {
				return err
			}
		}
	}
	for controller, missing := range named {
		if missing {
			return fmt.Errorf("this user may write no cgroup that limits %s", controller)
		}
	}
	return nil
}

// lockUnlessReady waits out another one that boots or stops this machine. Nil without an error: it is up.
func lockUnlessReady(directory string) (*os.File, error) {
	for deadline := time.Now().Add(bootDeadline); ; {
		held, err := lock(directory)
		if held != nil || err != nil {
			return held, err
		}
		if connection, err := net.Dial("unix", filepath.Join(directory, controlSocket)); err == nil {
			_ = connection.SetDeadline(deadline)
			n, _ := connection.Read(make([]byte, 1))
			connection.Close()
			if n > 0 {
				return nil, nil
			}
		}
		if time.Now().After(deadline) {
			return nil, failf("busy", "another process has held the machine for %s without bringing it up", bootDeadline)
		}
		// The holder is between taking the lock and listening, or between its last breath and giving the lock back: moments.
		time.Sleep(2 * time.Millisecond)
	}
}

// letGoOfStdio lets the one who started us see the end of our output while we live on.
func letGoOfStdio() {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		_ = syscall.Dup3(int(null.Fd()), fd, 0)
	}
	_ = null.Close()
}
