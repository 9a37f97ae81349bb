package boot

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the machine's lock without waiting. It is a flock, so the kernel gives it back whatever becomes of its holder:
// a machine is alive exactly as long as its supervisor holds it. Nil without an error: someone else does.
func lock(directory string) (*os.File, error) {
	path := filepath.Join(directory, lockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, failf("machine_gone", "expected the machine directory %s, it is not there", directory)
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, err
	}
	// The file may have been removed, with the machine, between open and flock; a lock on it would guard nothing.
	held, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(held, named) {
		file.Close()
		return nil, failf("machine_gone", "the machine in %s was removed meanwhile", directory)
	}
	return file, nil
}
