package session

import (
	"os"
	"syscall"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/own"
)

// fifo is opened for reading before any writer comes, with a write end of our own that keeps it from ending too early.
type fifo struct {
	path   string
	reader *os.File
	keeper *os.File
}

func openFifo(path string) (*fifo, error) {
	f := &fifo{path: path}
	err := account.As(func() (err error) {
		if err = own.Fifo(path); err != nil {
			return err
		}
		if f.reader, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0); err == nil {
			f.keeper, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
		}
		return err
	})
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *fifo) close() {
	if f == nil {
		return
	}
	_ = os.Remove(f.path)
	if f.keeper != nil {
		f.keeper.Close()
	}
	if f.reader != nil {
		f.reader.Close()
	}
}

// writeFor makes a file of the agent's that the user's shell reads.
func writeFor(path string, data []byte) error {
	return account.As(func() error { return own.Write(path, data) })
}

// giveDirectory lets the user's shell make its own files beside ours. Nobody but root can have put anything else in the directory's place.
func giveDirectory(dir string) error {
	file, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return account.Give(file)
}
