package directory

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const mebibyte = 1 << 20

func TestWhatIsOlderIsNotCounted(t *testing.T) {
	root := t.TempDir()
	write := func(name string, size int) {
		if err := os.WriteFile(filepath.Join(root, name), bytes.Repeat([]byte{1}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("image", 3*mebibyte)
	time.Sleep(20 * time.Millisecond)
	since := time.Now()
	time.Sleep(20 * time.Millisecond)
	if err := os.MkdirAll(filepath.Join(root, "a/b"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("a/b/new", 2*mebibyte)
	if err := os.Link(filepath.Join(root, "a/b/new"), filepath.Join(root, "again")); err != nil {
		t.Fatal(err)
	}
	if got := Size(root, since); got < 2*mebibyte || got > 2*mebibyte+64<<10 {
		t.Errorf("expected 2 MiB, the link counted once, got %d", got)
	}
}

// A program that swaps a directory for a FIFO as fast as it can: no one of many looks may wait for a writer.
func TestWhatIsSwappedForAFIFOHoldsUpNothing(t *testing.T) {
	root, beside := t.TempDir(), t.TempDir()
	name, directory, fifo := filepath.Join(root, "name"), filepath.Join(beside, "directory"), filepath.Join(beside, "fifo")
	if err := errors.Join(os.Mkdir(directory, 0o700), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	looked, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-looked:
				return
			default:
				for _, is := range []string{directory, fifo} {
					_ = os.Rename(is, name)
					_ = os.Rename(name, is)
				}
			}
		}
	}()
	all := make(chan struct{})
	go func() {
		for range 20_000 {
			Size(root, time.Time{})
		}
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Error("it waits for the writer of a FIFO")
	}
	close(looked)
	<-ended
}
