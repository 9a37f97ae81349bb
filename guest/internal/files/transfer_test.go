package files

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestMove(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/a", "a")
	put(t, dir+"/b", "b")
	put(t, dir+"/tree/f", "f")
	if e := g.entry("move", q("from", dir+"/a", "to", dir+"/new/deep/a"), ""); e.Path != dir+"/new/deep/a" || e.Size != 1 {
		t.Errorf("got %+v", e)
	}
	g.ok("move", q("from", dir+"/new/deep/a", "to", dir+"/b"), "")
	has(t, dir+"/b", "a")
	g.ok("move", q("from", dir+"/b", "to", dir+"/./b"), "")
	g.ok("move", q("from", dir+"/tree", "to", dir+"/tree/"), "")
	if err := os.Link(dir+"/b", dir+"/hard"); err != nil {
		t.Fatal(err)
	}
	g.ok("move", q("from", dir+"/hard", "to", dir+"/b"), "")
	has(t, dir+"/b", "a")
	g.fails("already_exists", "move", q("from", dir+"/b", "to", dir+"/tree"), "")
	g.fails("already_exists", "move", q("from", dir+"/tree", "to", dir+"/b"), "")
	g.fails("already_exists", "move", q("from", dir+"/tree", "to", dir+"/new"), "")
	g.fails("invalid_argument", "move", q("from", dir+"/tree", "to", dir+"/tree/x/y"), "")
	g.fails("not_found", "move", q("from", dir+"/nothing", "to", dir+"/made/x"), "")
	g.ok("move", q("from", dir+"/tree", "to", dir+"/grove"), "")
	has(t, dir+"/grove/f", "f")
	holds(t, dir, "b", "grove", "new")
}

func TestMoveAcrossFileSystems(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "files-test-")
	if err != nil {
		t.Skipf("no second file system: %v", err)
	}
	defer os.RemoveAll(shm)
	g, dir := serve(t), t.TempDir()
	if err := os.Link(put(t, dir+"/probe", ""), shm+"/probe"); !errors.Is(err, syscall.EXDEV) {
		t.Skipf("%s and %s are one file system: %v", dir, shm, err)
	}
	os.Remove(dir + "/probe")
	old := time.UnixMilli(1_000_000_000_123)
	put(t, dir+"/tree/sub/f", "content")
	if err := errors.Join(os.Symlink("/nowhere", dir+"/tree/link"), os.Chmod(dir+"/tree/sub/f", 0o4710), os.Chtimes(dir+"/tree/sub/f", old, old), os.Chtimes(dir+"/tree/sub", old, old)); err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/f", "one")
	put(t, shm+"/f", "two")
	g.ok("move", q("from", dir+"/f", "to", shm+"/f"), "")
	g.ok("move", q("from", dir+"/tree", "to", shm+"/x/tree"), "")
	has(t, shm+"/f", "one")
	has(t, shm+"/x/tree/sub/f", "content")
	if e := g.entry("stat", q("path", shm+"/x/tree/sub"), ""); e.MtimeMs != old.UnixMilli() {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("stat", q("path", shm+"/x/tree/sub/f"), ""); e.MtimeMs != old.UnixMilli() || e.Mode != 0o710 {
		t.Errorf("got %+v", e)
	}
	if target, err := os.Readlink(shm + "/x/tree/link"); target != "/nowhere" {
		t.Error(target, err)
	}
	holds(t, dir)
	put(t, dir+"/odd/a", "")
	if err := syscall.Mkfifo(dir+"/odd/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	g.fails("not_a_file", "move", q("from", dir+"/odd", "to", shm+"/odd"), "")
	holds(t, dir+"/odd", "a", "fifo")
	holds(t, shm, "f", "x")
}

func TestAMoveIsInTheDirectoriesThatItHolds(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/from/f", "moved")
	put(t, dir+"/from-elsewhere/f", "another")
	if err := errors.Join(os.Mkdir(dir+"/to", 0o755), os.Mkdir(dir+"/to-elsewhere", 0o755)); err != nil {
		t.Fatal(err)
	}
	way, err := openRoute(dir+"/from/f", dir+"/to/f")
	if err != nil {
		t.Fatal(err)
	}
	defer way.close()
	// Both paths lead somewhere else by now.
	for _, name := range []string{"from", "to"} {
		if err := errors.Join(os.Rename(dir+"/"+name, dir+"/held-"+name), os.Symlink(name+"-elsewhere", dir+"/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := moveEntry(t.Context(), way); err != nil {
		t.Fatal(err)
	}
	has(t, dir+"/held-to/f", "moved")
	has(t, dir+"/from-elsewhere/f", "another")
	holds(t, dir+"/to-elsewhere")
}
