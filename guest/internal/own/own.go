// Package own makes and reads the agent's own files. They lie where root of the guest may do what it likes: a name may be taken before
// we use it, and a file may have become a FIFO, whose open(2) waits for ever, a device or a flood.
package own

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Create makes a new file for reading and writing, in place of whatever has its name.
func Create(path string) (file *os.File, err error) {
	err = inPlace(path, func() error {
		file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	return file, err
}

// Write makes a new file with that content, in place of whatever has its name.
func Write(path string, data []byte) error {
	file, err := Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// Fifo makes a FIFO in place of whatever has its name.
func Fifo(path string) error {
	return inPlace(path, func() error {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return &os.PathError{Op: "mkfifo", Path: path, Err: err}
		}
		return nil
	})
}

// Directory makes an empty directory in place of whatever has its name, and those above it if they are missing.
func Directory(path string) error {
	return inPlace(path, func() error {
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrNotExist) {
			_ = os.MkdirAll(filepath.Dir(path), 0o711)
			err = os.Mkdir(path, 0o700)
		}
		return err
	})
}

// Read reads a file of at most maxBytes; anything else is an error, at once.
func Read(path string, maxBytes int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxBytes {
		return nil, fmt.Errorf("expected a file of at most %d bytes, %s is %s of %d", maxBytes, path, info.Mode(), info.Size())
	}
	return io.ReadAll(io.LimitReader(file, maxBytes))
}

// inPlace tries again once what has the name is away. Someone who takes it again and again gets an error, not our patience.
func inPlace(path string, try func() error) error {
	err := try()
	for range 3 {
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if removed := os.RemoveAll(path); removed != nil {
			return removed
		}
		err = try()
	}
	return err
}
