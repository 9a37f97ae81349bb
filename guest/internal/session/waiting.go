package session

import (
	"encoding/binary"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/wire"
)

// A command that stands in a read of its stdin at two looks in a row waits for its input; between two lines of it a look may hit too.
const lookEvery = 120 * time.Millisecond

// readsInput tells whether a process of the command stands still in a read of the command's own stdin. One that the kernel lets us not look at
// is not seen.
func (c *Command) readsInput() bool {
	if c.stdin == nil || !c.running() {
		return false
	}
	own, err := os.Stat(c.stdin.self)
	if err != nil {
		return false
	}
	tree := c.tree.Load()
	members := append(tree.Members(), tree.Shell)
	reads := func() bool {
		return slices.ContainsFunc(members, func(pid int) bool {
			process := "/proc/" + strconv.Itoa(pid)
			if !standsAtInput(process) {
				return false
			}
			file, err := os.Stat(process + "/fd/0")
			return err == nil && os.SameFile(own, file)
		})
	}
	// Another user's process is not to be looked at, even by root without more capabilities (ptrace(2)): the user's by the user, and what it runs as root
	// (sudo) by root.
	found := reads()
	if !found {
		_ = account.As(func() error { found = reads(); return nil })
	}
	return found
}

// standsAtInput: read(0, …), a poll or select of descriptor 0 alone, as busybox' and bash's own read do, or an epoll that has no end without it.
func standsAtInput(process string) bool {
	line, err := os.ReadFile(process + "/syscall")
	fields := strings.Fields(string(line)) // number, six arguments, two pointers; or "running"
	if err != nil || len(fields) < 7 {
		return false
	}
	number, err := strconv.Atoi(fields[0])
	first, err1 := strconv.ParseUint(fields[1], 0, 64)
	second, err2 := strconv.ParseUint(fields[2], 0, 64)
	if err != nil || err1 != nil || err2 != nil {
		return false
	}
	switch {
	case number == syscall.SYS_READ:
		return first == 0
	case slices.Contains(selects, number):
		return first == 1 // descriptors below 1
	case slices.Contains(polls, number):
		return second == 1 && polled(process, int64(first)) == 0
	case slices.Contains(epolls, number):
		timeout, err := strconv.ParseUint(fields[4], 0, 64)
		return err == nil && int32(timeout) == -1 && watchesInput(process, first)
	}
	return false
}

// watchesInput tells whether an epoll descriptor has 0 among what it watches, and no connection that something could come by as well: Node and
// other programs with a loop of events.
func watchesInput(process string, epoll uint64) bool {
	info, err := os.ReadFile(process + "/fdinfo/" + strconv.FormatUint(epoll, 10))
	if err != nil {
		return false
	}
	found := false
	for line := range strings.Lines(string(info)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "tfd:" {
			continue
		}
		if target, _ := os.Readlink(process + "/fd/" + fields[1]); strings.HasPrefix(target, "socket:") {
			return false
		}
		found = found || fields[1] == "0"
	}
	return found
}

// polled is the descriptor in the first pollfd at an address of the process; -1 when it can not be read.
func polled(process string, address int64) int32 {
	memory, err := os.Open(process + "/mem")
	if err != nil {
		return -1
	}
	defer memory.Close()
	var fd [4]byte
	if _, err := memory.ReadAt(fd[:], address); err != nil {
		return -1
	}
	return int32(binary.NativeEndian.Uint32(fd[:]))
}

// wait answers when the command has ended or the time is over; with input=1 also when it waits for its input.
func wait(_ http.ResponseWriter, r *http.Request, c *Command) (any, error) {
	const never = -1
	timeoutMs, err := wire.Int(r, "timeoutMs", never, 0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	var over <-chan time.Time
	if timeoutMs != never {
		timer := time.NewTimer(time.Duration(min(timeoutMs, int64(math.MaxInt64/time.Millisecond))) * time.Millisecond)
		defer timer.Stop()
		over = timer.C
	}
	var looks <-chan time.Time
	if wire.Flag(r, "input") {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		looks = ticker.C
	}
	steps := []<-chan struct{}{c.ended, c.stdout.drained, c.stderr.drained}
	for seen := 0; len(steps) > 0; {
		select {
		case <-steps[0]:
			steps = steps[1:]
		case <-looks:
			if !c.readsInput() {
				seen = 0
			} else if seen++; seen == 2 {
				state := c.state()
				state.ReadsInput = true
				return state, nil
			}
		case <-over:
			return c.state(), nil
		case <-r.Context().Done():
			return nil, wire.Errorf("canceled", "the wait was canceled")
		}
	}
	return c.state(), nil
}

// detach lets a command that an exec waits for go on as a job, at once. One that has ended or is a job already is left as it is.
func detach(_ http.ResponseWriter, _ *http.Request, c *Command) (any, error) {
	select {
	case c.detaches <- struct{}{}:
	default:
	}
	return c.state(), nil
}
