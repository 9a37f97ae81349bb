package session

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"lms-computer/guest/internal/spool"
)

// output carries one stream of one command from its FIFO into its log, and to the caller as long as there is one that wants all of it.
type output struct {
	fifo    *fifo
	log     *spool.Log
	sink    func(data []byte) // blocks as long as the caller reads slowly; nil: the log alone
	drained chan struct{}     // closed when all that was written before finish has been carried
	once    sync.Once
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

func (o *output) pump() {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	defer o.done()
	defer o.fifo.reader.Close()
	for {
		n, err := o.fifo.reader.Read(*buffer)
		o.carry((*buffer)[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// finish was called. What is in the FIFO now was written by the command (or by what it left running); later
			// bytes are not waited for.
			_ = o.fifo.reader.SetReadDeadline(time.Time{})
			for left := unread(o.fifo.reader); left > 0; {
				n, err := o.fifo.reader.Read((*buffer)[:min(left, len(*buffer))])
				o.carry((*buffer)[:n])
				left -= n
				if err != nil {
					return
				}
			}
			o.done()
			continue
		}
		if err != nil {
			return
		}
	}
}

func (o *output) carry(data []byte) {
	if len(data) == 0 {
		return
	}
	_, _ = o.log.Write(data)
	if o.sink != nil {
		select {
		case <-o.drained: // the result has been sent: what comes now is for the log
		default:
			o.sink(data)
		}
	}
}

func (o *output) done() { o.once.Do(func() { close(o.drained) }) }

// finish says that the command has ended: its FIFO ends when the last process it left running closes it.
func (o *output) finish() {
	_ = os.Remove(o.fifo.path)
	o.fifo.keeper.Close()
	_ = o.fifo.reader.SetReadDeadline(time.Unix(1, 0))
}

// unread is how many bytes wait in a FIFO.
func unread(file *os.File) int {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	var n int32
	_ = raw.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	})
	return int(n)
}
