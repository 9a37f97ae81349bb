package boot

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"unsafe"
)

const (
	listenFD = 3
	statusFD = 4
)

// inside runs as PID 1 of the new namespaces and ends as `agent init`.
func inside(in io.Reader) error {
	debug.SetGCPercent(-1)         // it lives for some milliseconds
	debug.SetMemoryLimit(64 << 20) // or longer: how many files there are in /tmp is the guest's choice
	syscall.CloseOnExec(statusFD)
	status := json.NewEncoder(os.NewFile(statusFD, "status"))
	var p plan
	err := readJSON(in, &p)
	var warnings []string
	if err == nil {
		warnings, err = p.setUp()
	}
	if err == nil {
		err = status.Encode(report{Warnings: warnings})
	}
	if err == nil {
		err = p.become()
	}
	_ = status.Encode(report{Failure: asFailure(err)})
	os.Exit(1)
	return nil
}

func (p *plan) setUp() ([]string, error) {
	for _, g := range p.Groups {
		if g.Unified && p.Born {
			continue
		}
		door, err := g.door()
		if err != nil {
			return nil, err
		}
		p.doors = append(p.doors, door)
	}
	if err := syscall.Sethostname([]byte(p.Spec.Hostname)); err != nil {
		return nil, os.NewSyscallError("sethostname", err)
	}
	if err := loopbackUp(); err != nil {
		return nil, err
	}
	warnings, err := p.makeRoot()
	syscall.Umask(0o022)
	return warnings, err
}

// unshareCgroup hides where in the host's tree the machine's groups are. A kernel without cgroup namespaces just shows it.
func unshareCgroup() error {
	const cloneNewCgroup = 0x02000000
	if err := syscall.Unshare(cloneNewCgroup); err != nil && err != syscall.EINVAL {
		return os.NewSyscallError("unshare cgroup", err)
	}
	return nil
}

// become gives up every privilege that the guest is not to have and turns into `agent init`.
func (p *plan) become() error {
	// The groups, the namespace unshared now, capabilities and the parent-death signal belong to a thread, and it is the one that execs whose
	// are kept.
	runtime.LockOSThread()
	for _, door := range p.doors {
		if _, err := door.WriteString("0"); err != nil {
			return err
		}
	}
	if err := unshareCgroup(); err != nil {
		return err
	}
	null, err := syscall.Open("/dev/null", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("open /dev/null", err)
	}
	if err := limitResources(p.MaxProcesses); err != nil {
		return err
	}
	if err := dropPrivileges(); err != nil {
		return err
	}
	for fd := range 3 {
		if err := syscall.Dup3(null, fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	err = syscall.Exec(guestAgent, p.Spec.command(), environment(p.Spec.Env))
	return os.NewSyscallError("exec "+guestAgent, err)
}

// command is what the guest's agent is told of its machine.
func (s *Spec) command() []string {
	argv := []string{
		"agent", "init", "--listen-fd", "3",
		fmt.Sprintf("--unheld=%dms", s.UnheldMs), fmt.Sprintf("--unclaimed=%dms", s.UnclaimedMs), fmt.Sprintf("--idle-stop=%dms", s.IdleStopMs),
	}
	if s.User != "" && s.User != "root" {
		argv = append(argv, "--user", s.User)
	}
	if s.DiskBytes > 0 {
		argv = append(argv, fmt.Sprintf("--disk-bytes=%d", s.DiskBytes))
	}
	for _, folder := range s.Folders {
		if !folder.ReadOnly {
			argv = append(argv, "--folder", folder.GuestPath)
		}
	}
	return argv
}

// environment is what PID 1 starts with; nothing of the host's is in it.
func environment(asked map[string]string) []string {
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": "/home/user",
		"LANG": "C.UTF-8",
		"TERM": "xterm-256color",
	}
	maps.Copy(env, asked)
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

func limitResources(maxProcesses uint64) error {
	const rlimitNproc = 6
	if maxProcesses > 0 {
		if err := syscall.Setrlimit(rlimitNproc, &syscall.Rlimit{Cur: maxProcesses, Max: maxProcesses}); err != nil {
			return os.NewSyscallError("setrlimit nproc", err)
		}
	}
	// Core dumps may go to a program of the host, as its root. Where they do, a limit of 0 is ignored and 1 means none (core(5)).
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1, Max: 1}); err != nil && err != syscall.EPERM {
		return os.NewSyscallError("setrlimit core", err)
	}
	return nil
}

// loopbackUp: the new network namespace has a loopback interface, and it is down.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return os.NewSyscallError("bring up lo", errno)
	}
	return nil
}
