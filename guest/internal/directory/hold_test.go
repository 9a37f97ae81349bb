package directory

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestAFIFOIsNoDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{os.Mkdir(filepath.Join(dir, "d"), 0o700), os.Symlink("d", filepath.Join(dir, "link")), syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, open := range map[string]func(string) (interface{ Close() error }, error){
		"Hold":   func(name string) (interface{ Close() error }, error) { return Hold(filepath.Join(dir, name)) },
		"HoldIn": func(name string) (interface{ Close() error }, error) { return HoldIn(root, name) },
		"OpenIn": func(name string) (interface{ Close() error }, error) { return OpenIn(root, name) },
	} {
		for _, there := range []string{"d", "link", "."} {
			held, err := open(there)
			if err != nil {
				t.Errorf("%s of %s: %v", name, there, err)
				continue
			}
			held.Close()
		}
		// Who waits is let go by a writer: an error that is not the expected one, not a test that hangs.
		release := time.AfterFunc(5*time.Second, func() {
			if writer, err := os.OpenFile(filepath.Join(dir, "fifo"), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
				writer.Close()
			}
		})
		if _, err := open("fifo"); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s of a FIFO: expected that it is no directory, got %v", name, err)
		}
		release.Stop()
		if _, err := open("missing"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of nothing: got %v", name, err)
		}
	}
}
