package boot

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// As on kernels without mount_setattr(2).
func TestReadOnlyIsWhatIsMountedBelowToo(t *testing.T) {
	folder := t.TempDir()
	done := make(chan struct{})
	var refused error
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: its mounts end with it
		if refused = syscall.Unshare(syscall.CLONE_NEWNS); refused != nil {
			return
		}
		if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Error(err)
			return
		}
		for _, place := range []string{"", "a disk", "a disk/deeper"} {
			at := filepath.Join(folder, place)
			if err := errors.Join(os.MkdirAll(at, 0o755), mount("tmpfs", at, "tmpfs", 0, "")); err != nil {
				t.Error(err)
				return
			}
		}
		if err := restrictEach(folder, quiet|syscall.MS_RDONLY); err != nil {
			t.Error(err)
		}
		for _, place := range []string{"", "a disk", "a disk/deeper"} {
			if err := os.WriteFile(filepath.Join(folder, place, "x"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
				t.Errorf("%q: expected that it is read-only, got %v", place, err)
			}
		}
	}()
	<-done
	if refused != nil {
		t.Skip("no mounts can be made here:", refused)
	}
}
