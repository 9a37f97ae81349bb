package files

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
)

func TestMkdir(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	if e := g.entry("mkdir", q("path", dir+"/a/b/c/", "mode", "1777"), ""); e.Type != "directory" || e.Mode != 0o1777 || e.Name != "c" {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("mkdir", q("path", dir+"/a/b/c", "mode", "700"), ""); e.Mode != 0o1777 {
		t.Errorf("an existing directory was changed: %+v", e)
	}
	if e := g.entry("stat", q("path", dir+"/a"), ""); e.Mode != 0o755 {
		t.Errorf("got %+v", e)
	}
	put(t, dir+"/f", "")
	g.fails("not_a_directory", "mkdir", q("path", dir+"/f"), "")
	g.fails("not_a_directory", "mkdir", q("path", dir+"/f/x"), "")
	if err := os.Symlink("nowhere", dir+"/dangling"); err != nil {
		t.Fatal(err)
	}
	g.fails("not_found", "mkdir", q("path", dir+"/dangling/x"), "")
	g.ok("mkdir", q("path", "/"), "")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { g.ok("mkdir", q("path", dir+"/race/a/b/c"), "") })
	}
	all.Wait()
}

func TestRemove(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/outside/keep", "x")
	put(t, dir+"/tree/sub/f", "x")
	if err := errors.Join(os.Symlink("../outside", dir+"/tree/link"), os.Symlink("outside", dir+"/link"), syscall.Mkfifo(dir+"/tree/fifo", 0o600), os.Mkdir(dir+"/empty", 0o755)); err != nil {
		t.Fatal(err)
	}
	g.fails("already_exists", "remove", q("path", dir+"/tree"), "")
	g.ok("remove", q("path", dir+"/empty"), "")
	g.ok("remove", q("path", dir+"/tree", "recursive", "1"), "")
	g.ok("remove", q("path", dir+"/link/", "recursive", "1"), "")
	g.fails("not_found", "remove", q("path", dir+"/link", "recursive", "1"), "")
	g.fails("not_found", "remove", q("path", dir+"/link"), "")
	has(t, dir+"/outside/keep", "x")
	holds(t, dir, "outside")
}
