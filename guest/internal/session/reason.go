package session

import (
	"sync"
	"syscall"
)

// Why a command ended, beside its exit code.
const (
	reasonExit    = "exit"
	reasonSignal  = "signal"        // it, or the last program of it, was ended by one: 128 + signal
	reasonTimeout = "timeout"       // its time limit ended it
	reasonKilled  = "killed"        // somebody asked for its end, or let go of it
	reasonMemory  = "out_of_memory" // the kernel killed it: the machine's memory was used up
)

const lastSignal = 64

// ooms notices that the kernel has killed for want of memory. The kernel counts, and does not say whom.
type ooms struct {
	count func() uint64 // may be nil

	mu   sync.Mutex
	last uint64
}

func newOoms(count func() uint64) *ooms {
	o := &ooms{count: count}
	o.any()
	return o
}

// any tells whether there was one since the last time somebody asked.
func (o *ooms) any() bool {
	if o.count == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.last
	o.last = o.count()
	return o.last > before
}

// reasonOf is asked once, when a command has ended. The count is read for a failed command alone: it costs a file.
func (c *Command) reasonOf(o *ooms) string {
	switch {
	case c.timedOut:
		return reasonTimeout
	case c.exitCode == 0:
		return reasonExit
	case o.any() && (c.exitCode == 128+int(syscall.SIGKILL) || c.fate == "killed"):
		return reasonMemory
	case c.killed:
		return reasonKilled
	case c.exitCode > 128 && c.exitCode <= 128+lastSignal:
		return reasonSignal
	}
	return reasonExit
}
