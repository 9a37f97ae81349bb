package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A copy of the host's configuration is made once and shown to all machines, below what is their own: it is most of the time that a machine takes to
// start, and would be most of its memory. Nothing in one is changed or removed while a machine has it: each supervisor holds its lock.
const (
	copyPrefix   = "etc-"
	unfinished   = ".new-"
	settledAfter = time.Second
)

// shareConfiguration gives the copy that is the host's /etc as it is now, open and locked, in a directory for copies; makes it if there is none.
func shareConfiguration(source, copies string) (*os.File, error) {
	mark, newest, err := fingerprint(source)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(copies, copyPrefix+mark)
	if held, err := holdCopy(path, syscall.LOCK_SH); err == nil {
		return held, nil
	}
	// What was changed at this moment may be changed once more with the same times.
	if time.Since(newest) < settledAfter {
		return nil, errors.New("it was changed just now")
	}
	if err := os.MkdirAll(copies, 0o700); err != nil {
		return nil, err
	}
	made, err := os.MkdirTemp(copies, unfinished)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(made)
	held, err := holdCopy(made, syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	left, err := copyConfiguration(source, made)
	if again, _, _ := fingerprint(source); err == nil && (left > 0 || again != mark) {
		err = errors.New("it is too large, or was changed meanwhile")
	}
	if err == nil {
		err = os.Rename(made, path)
	}
	defer held.Close()
	// With an error, too: somebody else may have been quicker.
	named, missing := holdCopy(path, syscall.LOCK_SH)
	if missing == nil && err == nil {
		removeCopies(copies)
	}
	if missing != nil {
		return nil, errors.Join(missing, err)
	}
	return named, nil
}

// fingerprint is of all that is copied, its content by its times. newest is the last of these.
func fingerprint(source string) (mark string, newest time.Time, err error) {
	sum := sha256.New()
	err = walkShown(source, func(_, name string, _ fs.DirEntry, info fs.FileInfo) error {
		stat := info.Sys().(*syscall.Stat_t)
		if changed := time.Unix(stat.Ctim.Unix()); changed.After(newest) {
			newest = changed
		}
		_, err := fmt.Fprintf(sum, "%s\x00%o %d %d %d %d %d %d\n", name, stat.Mode, stat.Uid, stat.Gid, stat.Size, stat.Ino, stat.Mtim.Nano(), stat.Ctim.Nano())
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), newest, err
}

// holdCopy opens and locks a copy, unless it goes at this moment or is locked otherwise.
func holdCopy(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB); err == nil {
		var held, named fs.FileInfo
		if held, err = file.Stat(); err == nil {
			if named, err = os.Lstat(path); err == nil && os.SameFile(held, named) {
				return file, nil
			}
		}
	}
	file.Close()
	return nil, errors.Join(fs.ErrNotExist, err)
}

// removeCopies removes those of an earlier configuration that no machine has.
func removeCopies(copies string) {
	entries, _ := os.ReadDir(copies)
	for _, entry := range entries {
		path := filepath.Join(copies, entry.Name())
		held, err := holdCopy(path, syscall.LOCK_EX)
		if err != nil {
			continue
		}
		// Under its name it is whole or not there.
		gone := filepath.Join(copies, fmt.Sprintf("%sgone-%d-%s", unfinished, os.Getpid(), entry.Name()))
		if os.Rename(path, gone) == nil {
			_ = os.RemoveAll(gone)
		}
		held.Close()
	}
}
