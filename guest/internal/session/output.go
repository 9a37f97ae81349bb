package session

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"lms-computer/guest/internal/spool"
)

// output carries one stream of one command from its FIFO into its log, and to the caller as long as there is one that wants all of it.
type output struct {
	fifo *fifo
	raw  syscall.RawConn
	log  *spool.Log
	sink func(data []byte) // blocks as long as the caller reads slowly; nil: the log alone

	mu      sync.Mutex    // held from reading to having carried
	drained chan struct{} // closed when all that was written before settle has been carried
	settled bool
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// pump carries until the last writer closes the FIFO. It holds no buffer while it waits: a server in the background may wait for days.
func (o *output) pump() {
	defer o.fifo.reader.Close()
	over := false
	for !over {
		err := o.raw.Read(func(fd uintptr) bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			n, ended := o.carry(fd, maxPiece)
			over = ended
			return over || n > 0
		})
		if err != nil {
			break
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled = true
	o.drain()
}

const maxPiece = 1 << 30

// carry moves what is there, most bytes at most and one buffer; called with the lock held.
func (o *output) carry(fd uintptr, most int) (n int, ended bool) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for {
		n, err := syscall.Read(int(fd), (*buffer)[:min(most, len(*buffer))])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, false
		case err != nil || n == 0:
			return 0, true
		}
		data := (*buffer)[:n]
		_, _ = o.log.Write(data)
		if o.sink != nil && !o.isDrained() { // else the result has been sent: what comes now is for the log
			o.sink(data)
		}
		return n, false
	}
}

// settle is called when the command has ended. What is in the FIFO then was written by it (or by what it left running); later bytes
// are not waited for. A caller that reads slowly is waited for elsewhere: the session is not held up.
func (o *output) settle() {
	if o.mu.TryLock() {
		defer o.mu.Unlock()
		o.empty()
		return
	}
	go func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.empty()
	}()
}

// empty is called with the lock held.
func (o *output) empty() {
	if o.settled {
		return
	}
	o.settled = true
	_ = o.raw.Control(func(fd uintptr) {
		for left := unread(fd); left > 0; {
			n, _ := o.carry(fd, left)
			if n == 0 {
				break
			}
			left -= n
		}
	})
	o.drain()
}

// drain is called with the lock held.
func (o *output) drain() {
	if !o.isDrained() {
		close(o.drained)
	}
}

func (o *output) isDrained() bool {
	select {
	case <-o.drained:
		return true
	default:
		return false
	}
}

// letGo closes our own write end: the FIFO ends when the last process that the command left running closes it.
func (o *output) letGo() {
	_ = os.Remove(o.fifo.path)
	o.fifo.keeper.Close()
}

// unread is how many bytes wait in a FIFO.
func unread(fd uintptr) int {
	var n int32
	_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	return int(n)
}
