package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Hosts make directories for a checkpoint, and write a record, without a lock; and who boots makes the file of the lock.
func TestAMachineIsRemovedWhoeverPutsSomethingIntoIt(t *testing.T) {
	state := t.TempDir()
	directory := filepath.Join(state, "m")
	for range 30 {
		must(t, os.MkdirAll(filepath.Join(directory, "rootfs", "home"), 0o700))
		held, err := lock(directory)
		must(t, err)
		var putters sync.WaitGroup
		for _, put := range []func() error{
			func() error { return os.Mkdir(filepath.Join(directory, checkpointsDirectory), 0o700) },
			func() error { return os.Mkdir(filepath.Join(directory, checkpointsDirectory, ".new-1"), 0o700) },
			func() error { return os.WriteFile(filepath.Join(directory, ".record"), nil, 0o600) },
			func() error {
				file, err := lock(directory)
				if file != nil {
					t.Error("another one got the lock")
				}
				return err
			},
		} {
			putters.Go(func() {
				for err := error(nil); !errors.Is(err, fs.ErrNotExist); _, err = os.Lstat(directory) {
					_ = put()
				}
			})
		}
		err = clearAway(directory)
		putters.Wait()
		held.Close()
		must(t, err)
		if left, _ := os.ReadDir(state); len(left) > 0 {
			t.Fatalf("left: %v", left)
		}
	}
}
