package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAFileWhoseNameWasTaken(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	for what, put := range map[string]func(path string) error{
		"FIFO":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"symlink":       func(path string) error { return os.Symlink("/dev/full", path) },
		"no directory":  func(path string) error { return os.Remove(filepath.Dir(path)) },
		"not a file":    func(path string) error { return os.Mkdir(path, 0o700) },
		"somebody else": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "logs", "1")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		log := New(path)
		_, _ = log.Write(text)
		if got, _ := log.Read(0, int64(len(text))); !bytes.Equal(got, text) {
			t.Errorf("%s: %d of %d bytes are kept", what, len(got), len(text))
		}
		log.Drop()
	}
}
