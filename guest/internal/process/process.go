// Package process starts children and reaps everything: as PID 1 the agent inherits every orphan of the machine, so
// one place alone may call wait, and os/exec is not used.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Process is a child of the agent.
type Process struct {
	Pid    int
	done   chan struct{}
	status syscall.WaitStatus
}

// Done is closed once the child has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// killWait is ample for the kernel.
const killWait = 2 * time.Second

// Kill ends the child and waits for it. False: it is dead and can not be reaped, since another process traces it and does not look (ptrace(2)).
func (p *Process) Kill() bool {
	p.Signal(syscall.SIGKILL)
	select {
	case <-p.done:
		return true
	case <-time.After(killWait):
		return false
	}
}

// ExitCode is the shell's notion of it: 128 + signal for a killed child. Only after Done.
func (p *Process) ExitCode() int {
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// Signaled tells whether a signal ended the child. Only after Done.
func (p *Process) Signaled() bool { return p.status.Signaled() }

// Signal sends a signal to the child alone; it is a no-op once the child was reaped.
func (p *Process) Signal(sig syscall.Signal) {
	children.Lock()
	defer children.Unlock()
	if children.byPid[p.Pid] == p {
		_ = syscall.Kill(p.Pid, sig)
	}
}

var children = struct {
	sync.Mutex
	byPid map[int]*Process
}{byPid: map[int]*Process{}}

var reaper sync.Once

// Reap starts the reaper. Start does it too; PID 1 calls it before anything else.
func Reap() {
	reaper.Do(func() {
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGCHLD)
		go func() {
			for range ended {
				for reapOne() {
				}
			}
		}()
		// A child that ended before Notify sent no signal to us.
		ended <- syscall.SIGCHLD
	})
}

// reapOne waits for one ended child, ours or an orphan. The lock makes sure that Start has entered the child first.
func reapOne() bool {
	children.Lock()
	defer children.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if err == syscall.EINTR {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	if p := children.byPid[pid]; p != nil {
		delete(children.byPid, pid)
		p.status = status
		close(p.done)
	}
	return true
}

// forkPatience is for a machine that has as many processes as it may: those that end just now count until they are reaped.
const forkPatience = 500 * time.Millisecond

// Start runs argv[0] (a path) with the given environment and files.
func Start(argv []string, attr *syscall.ProcAttr) (p *Process, err error) {
	Reap()
	for deadline := time.Now().Add(forkPatience); ; time.Sleep(5 * time.Millisecond) {
		p, err = start(argv, attr)
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(deadline) {
			return p, err
		}
	}
}

func start(argv []string, attr *syscall.ProcAttr) (*Process, error) {
	children.Lock()
	defer children.Unlock()
	pid, err := syscall.ForkExec(argv[0], argv, attr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argv[0], err)
	}
	p := &Process{Pid: pid, done: make(chan struct{})}
	children.byPid[pid] = p
	return p, nil
}

// StartShell is Start through a short life of the agent itself (see Become): what argv starts and lets go stays below it.
func StartShell(argv []string, attr *syscall.ProcAttr) (*Process, error) {
	return Start(append([]string{"/proc/self/exe", "become"}, argv...), attr)
}

const prSetChildSubreaper = 36

// Become turns this process into argv, as a subreaper: a double-forked or setsid grandchild gets it as its parent instead of
// PID 1, and so the tree of a command is found by ancestry alone, whatever its processes do. It prefers to be killed before the
// agent when memory runs out.
func Become(argv []string) error {
	if len(argv) == 0 {
		return fmt.Errorf("become: expected a program")
	}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", errno)
	}
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	return syscall.Exec(argv[0], argv, os.Environ())
}

// BootTicks is now, in the unit and on the clock of a process's start time in /proc/PID/stat (USER_HZ is 100 on every Linux).
func BootTicks() uint64 {
	const clockBoottime = 7
	var now syscall.Timespec
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&now)), 0)
	return uint64(now.Sec)*100 + uint64(now.Nsec)/10_000_000
}
