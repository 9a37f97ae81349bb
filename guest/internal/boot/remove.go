package boot

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// remove deletes a machine directory and what a killed machine has left outside of it. The lock is held all the while and its
// file goes last, so that a removal cut short is seen as one and can be repeated.
func remove(in io.Reader, out io.Writer) error {
	directory, err := readDirectory(in)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(directory)
	if errors.Is(err, fs.ErrNotExist) {
		reply(out, answer{Status: "removed"})
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	// Who copies the files finishes first.
	files, err := lockFiles(directory)
	if err != nil && asFailure(err).Code != "machine_gone" {
		return err
	}
	defer files.Close() // of nil too
	// Another removal may be under way: this one waits for it and then finds nothing.
	held, err := lockUnlessReady(directory)
	if err != nil && asFailure(err).Code == "machine_gone" {
		reply(out, answer{Status: "removed"})
		return nil
	}
	if err != nil {
		return err
	}
	if held == nil {
		return failf("busy", "the machine in %s is running", directory).hint("Stop it first.")
	}
	if err := clearAway(root, directory); err != nil {
		return err
	}
	reply(out, answer{Status: "removed"})
	return nil
}

// clearAway is called with the lock of a machine that does not run, and with that of its files.
func clearAway(root *os.Root, directory string) error {
	cleanUp(directory)
	// Without its record a machine is broken: one that lost half of its files must not be started as if it were whole.
	if err := root.Remove(recordFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != lockFile {
			if err := discard(root, name); err != nil {
				return err
			}
		}
	}
	if err := root.Remove(lockFile); err != nil {
		return err
	}
	if err := os.Remove(directory); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openUp gives an ordinary user back the right to list and empty the directories that are his: overlayfs makes work/work
// with mode 0, and the guest may have done so to any of its own.
func openUp(root *os.Root) {
	_ = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = root.Chmod(path, 0o700)
		}
		return nil
	})
}
