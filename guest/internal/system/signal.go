package system

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"

	"lms-computer/guest/internal/machine"
	"lms-computer/guest/internal/process"
	"lms-computer/guest/internal/wire"
)

const maxBodyBytes = 64 << 10

func signalProcess(_ http.ResponseWriter, r *http.Request) (any, error) {
	pid, err := strconv.Atoi(r.PathValue("pid"))
	if err != nil || pid < 1 { // 0 and below are groups, or everybody
		return nil, wire.Errorf("invalid_argument", "expected the id of a process, got %q", r.PathValue("pid"))
	}
	body := struct {
		Signal string `json:"signal"`
	}{"TERM"}
	if err := wire.Body(r, maxBodyBytes, &body); err != nil {
		return nil, err
	}
	signal, err := process.SignalNamed(body.Signal, process.AllSignals)
	if err != nil {
		return nil, err
	}
	return map[string]any{}, send(pid, signal)
}

// send holds the process (a pidfd, where the kernel has them) while it looks at it, so that nobody else is hit who got its number.
func send(pid int, signal syscall.Signal) error {
	gone := wire.Errorf("not_found", "there is no process %d", pid).With("pid", pid)
	held, err := os.FindProcess(pid)
	if err != nil {
		return gone
	}
	defer func() { _ = held.Release() }()
	dir := strconv.Itoa(pid)
	// kill(2) takes the id of a thread for its process: the agent's threads have ids beside 1.
	if parseTgid(machine.ReadSmall("/proc", dir, "status")) != pid {
		return gone
	}
	is, ok := process.ParseStat(machine.ReadSmall("/proc", dir, "stat"))
	if !ok {
		return gone
	}
	if pid == 1 || isInternal("/", is, machine.ReadSmall("/proc", dir, "cmdline")) {
		return wire.Errorf("permission_denied", "process %d is the machine's agent; stop the computer instead", pid).With("pid", pid)
	}
	switch err := held.Signal(signal); {
	case errors.Is(err, os.ErrProcessDone), errors.Is(err, syscall.ESRCH):
		return gone
	case err != nil:
		return wire.FromOS(fmt.Errorf("process %d: %w", pid, err), "").With("pid", pid)
	}
	return nil
}
