package session

import (
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/wire"
)

// stdin is a FIFO that the host writes while the command runs.
type stdin struct {
	path  string
	self  string        // leads to the FIFO whatever becomes of its name
	ref   int           // the descriptor that self stands for
	ready chan struct{} // closed when the command has opened it, or has ended
	mu    sync.Mutex
	file  *os.File // nil before ready, and after its end
}

func newStdin(path string) (*stdin, error) {
	if err := account.As(func() error { return own.Fifo(path) }); err != nil {
		return nil, err
	}
	const oPath = 0x200000 // opens nothing, so it waits for nobody (open(2))
	ref, err := syscall.Open(path, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	s := &stdin{path: path, self: "/proc/self/fd/" + strconv.Itoa(ref), ref: ref, ready: make(chan struct{})}
	go func() {
		defer close(s.ready)
		// Blocks until the shell opens the other end: bytes written to a FIFO that nobody has open would be lost.
		fd, err := syscall.Open(s.self, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		_ = syscall.SetNonblock(fd, true)
		s.mu.Lock()
		s.file = os.NewFile(uintptr(fd), path)
		s.mu.Unlock()
	}()
	return s, nil
}

// copyFrom writes the stream as it comes, and closes stdin after it if eof, once all of it has come.
func (s *stdin) copyFrom(source io.Reader, eof bool) error {
	<-s.ready
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return wire.Errorf("not_found", "the command's stdin is closed")
	}
	to := &inlet{file: file}
	_, err := io.Copy(to, source)
	switch {
	case to.gone:
		s.shut()
		return wire.Errorf("not_found", "the command no longer reads its stdin")
	case err != nil: // a program must not take what came for all of it
		return wire.Errorf("canceled", "the input broke off; the command's stdin is still open")
	case eof:
		s.shut()
	}
	return nil
}

// inlet is the way to the command. It tells a failure of its own from one of the host's.
type inlet struct {
	file *os.File
	gone bool
}

func (i *inlet) Write(data []byte) (int, error) {
	n, err := i.file.Write(data)
	i.gone = err != nil
	return n, err
}

func (s *stdin) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
}

// end releases whoever waits, when the command is over.
func (s *stdin) end() {
	if s == nil {
		return
	}
	if fd, err := syscall.Open(s.self, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0); err == nil {
		<-s.ready
		syscall.Close(fd)
	}
	syscall.Close(s.ref)
	_ = os.Remove(s.path)
	s.shut()
}
