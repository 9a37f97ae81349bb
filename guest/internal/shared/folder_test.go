package shared

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestWhatIsNewIsTheOwnersWhereverItIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	top := t.TempDir()
	const owner = 4711
	for _, path := range []string{"", "leaf", "inner", "inner/leaf"} {
		at := filepath.Join(top, path)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(at, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	f := watched(t, top)
	// As if they had been looked through long ago, and nothing had changed since.
	f.seen = time.Now().Add(time.Hour)
	f.handOver()
	for _, path := range []string{"leaf/new", "inner/leaf/new", "inner/leaf/made/new", "new"} {
		at := filepath.Join(top, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.handOver()
	for _, path := range []string{"leaf/new", "inner/leaf/new", "inner/leaf/made", "inner/leaf/made/new", "new"} {
		var is syscall.Stat_t
		if err := syscall.Stat(filepath.Join(top, path), &is); err != nil || is.Uid != owner || is.Gid != owner {
			t.Errorf("%s: expected %d's, got %d:%d, %v", path, owner, is.Uid, is.Gid, err)
		}
	}
}

// watched is a folder as Watch has it.
func watched(t testing.TB, path string) *folder {
	t.Helper()
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	var is syscall.Stat_t
	if err := syscall.Fstat(fd, &is); err != nil {
		t.Fatal(err)
	}
	return newFolder(fd, is)
}

func BenchmarkALookAtWhatHasNotChanged(b *testing.B) {
	top := b.TempDir()
	for i := range 2000 {
		if err := os.MkdirAll(filepath.Join(top, strconv.Itoa(i/10), strconv.Itoa(i%10)), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	f := watched(b, top)
	for b.Loop() {
		f.seen = time.Now().Add(time.Hour)
		f.handOver()
	}
}
