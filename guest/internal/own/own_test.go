package own

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func takeName(t *testing.T, path, as string) {
	t.Helper()
	var err error
	switch as {
	case "fifo":
		err = syscall.Mkfifo(path, 0o600)
	case "device":
		err = os.Symlink("/dev/zero", path)
	case "directory":
		err = os.MkdirAll(filepath.Join(path, "x"), 0o700)
	case "flood":
		if err = os.WriteFile(path, nil, 0o600); err == nil {
			err = os.Truncate(path, 1<<40)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTakenNames(t *testing.T) {
	for _, as := range []string{"nothing", "fifo", "device", "directory", "flood"} {
		path := filepath.Join(t.TempDir(), "x")
		takeName(t, path, as)
		if data, err := Read(path, 100); err == nil {
			t.Errorf("%s: read %q", as, data)
		}
		if err := Write(path, []byte("mine")); err != nil {
			t.Errorf("%s: %s", as, err)
		}
		if data, err := Read(path, 100); string(data) != "mine" {
			t.Errorf("%s: got %q, %v", as, data, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		takeName(t, path, as)
		if err := Directory(path); err != nil {
			t.Errorf("%s: %s", as, err)
		}
		if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
			t.Errorf("%s: got %v, %v", as, entries, err)
		}
		if err := Fifo(path); err != nil {
			t.Errorf("%s: %s", as, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe {
			t.Errorf("%s: got %v, %v", as, info, err)
		}
	}
}
