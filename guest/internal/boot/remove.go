package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

const emptyTries = 10

// remove deletes a machine directory and what a killed machine has left outside of it. The lock is held all the while, and the directory
// has its name until it is empty, so that a removal cut short is seen as one and can be repeated.
func remove(in io.Reader, out io.Writer) error {
	directory, err := readDirectory(in)
	if err != nil {
		return err
	}
	// Who copies the files finishes first.
	files, err := lockFiles(directory)
	if err == nil {
		_ = files.Close()
		err = removeWithLocks(directory)
	}
	// Another removal may have been under way: this one has waited for it and finds nothing.
	if err != nil && asFailure(err).Code != "machine_gone" {
		return err
	}
	reply(out, answer{Status: "removed"})
	return nil
}

func removeWithLocks(directory string) error {
	held, err := lockUnlessReady(directory)
	if err != nil {
		return err
	}
	if held == nil {
		return failf("busy", "the machine in %s is running", directory).hint("Stop it first.")
	}
	defer held.Close()
	return clearAway(directory)
}

// clearAway is called with the lock of a machine that does not run.
func clearAway(directory string) error {
	files, err := lockFiles(directory)
	if err != nil {
		return err
	}
	defer files.Close()
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	defer root.Close()
	cleanUp(directory)
	// Without its record a machine is broken: one that lost half of its files must not be started as if it were whole.
	if err := root.Remove(recordFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := empty(root, lockFile); err != nil {
		return err
	}
	// From here on nobody finds it any more, to put something into it or to take its lock.
	gone := filepath.Join(filepath.Dir(directory), fmt.Sprintf(".gone-%s-%x", filepath.Base(directory), rand.Uint64()))
	if err := os.Rename(directory, gone); err != nil {
		return err
	}
	return untilEmpty(func() error { return errors.Join(empty(root, ""), os.Remove(gone)) })
}

// empty deletes all in root but what is called except.
func empty(root *os.Root, except string) error {
	return untilEmpty(func() error {
		entries, err := fs.ReadDir(root.FS(), ".")
		for _, entry := range entries {
			if name := entry.Name(); name != except {
				err = errors.Join(err, discard(root, name))
			}
		}
		return err
	})
}

// untilEmpty: who was about to make a checkpoint or to write a record may still put something into what is being deleted, and finds out then.
func untilEmpty(deletes func() error) error {
	for tries := 1; ; tries++ {
		if err := deletes(); !errors.Is(err, syscall.ENOTEMPTY) || tries == emptyTries {
			return err
		}
	}
}
