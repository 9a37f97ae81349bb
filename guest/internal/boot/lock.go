package boot

import (
	"errors"
	"io/fs"
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
	if err := stillThere(file, path); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockFiles keeps copies and removals of a machine's files apart from each other. It waits, and dies with its holder. Who needs the machine's lock
// as well takes that one first, or does not wait for it with this one in hand: a supervisor takes both to remove an ephemeral machine.
func lockFiles(directory string) (*os.File, error) {
	file, err := os.Open(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf("machine_gone", "expected the machine directory %s, it is not there", directory)
	}
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, os.NewSyscallError("flock", err)
	}
	if err := stillThere(file, directory); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// stillThere: what was locked may have been removed, with the machine, between open and flock, and another one be in its place. A lock on it
// would guard nothing.
func stillThere(file *os.File, path string) error {
	held, err := file.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(held, named) {
		return failf("machine_gone", "%s was removed meanwhile", path)
	}
	return nil
}
