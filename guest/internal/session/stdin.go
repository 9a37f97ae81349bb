package session

import (
	"io"
	"os"
	"sync"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// stdin is a FIFO that the host writes while the command runs.
type stdin struct {
	path  string
	ready chan struct{} // closed when the command has opened it, or has ended
	mu    sync.Mutex
	file  *os.File // nil before ready, and after its end
}

func newStdin(path string) (*stdin, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	s := &stdin{path: path, ready: make(chan struct{})}
	go func() {
		defer close(s.ready)
		// Blocks until the shell opens the other end: bytes written to a FIFO that nobody has open would be lost.
		fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
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

// copyFrom writes the stream as it comes; a reader that has gone is not an error of the host's.
func (s *stdin) copyFrom(source io.Reader, eof bool) error {
	<-s.ready
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return wire.Errorf("not_found", "the command's stdin is closed")
	}
	_, err := io.Copy(struct{ io.Writer }{file}, source)
	if eof || err != nil {
		s.shut()
	}
	if err != nil {
		return wire.Errorf("not_found", "the command no longer reads its stdin")
	}
	return nil
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
	if fd, err := syscall.Open(s.path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0); err == nil {
		<-s.ready
		syscall.Close(fd)
	}
	_ = os.Remove(s.path)
	s.shut()
}
