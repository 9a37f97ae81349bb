package files

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestWriteMakesParentsAndReplaces(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	path := dir + "/a/b/file"
	e := g.entry("write", q("path", path), "one")
	if e.Name != "file" || e.Path != path || e.Type != "file" || e.Size != 3 || e.Mode != 0o644 {
		t.Errorf("got %+v", e)
	}
	has(t, path, "one")
	g.ok("write", q("path", path), "")
	has(t, path, "")
	large := strings.Repeat("x\x00\xff\n", 300_000)
	g.ok("write", q("path", path), large)
	has(t, path, large)
	holds(t, dir+"/a/b", "file")
	g.fails("not_a_file", "write", q("path", dir+"/new/"), "x")
	g.fails("not_a_file", "write", q("path", dir+"/new/", "append", "1"), "x")
	g.fails("not_a_directory", "write", q("path", path+"/x/y"), "x")
	holds(t, dir, "a")
}

func TestWriteKeepsModeAndOwner(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	path := put(t, dir+"/f", "old")
	if err := os.Chmod(path, 0o751); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	if root {
		if err := errors.Join(os.Chown(path, 1234, 2345), os.Chmod(path, 0o751|os.ModeSetuid)); err != nil {
			t.Fatal(err)
		}
	}
	e := g.entry("write", q("path", path), "new")
	if root && (e.UID != 1234 || e.GID != 2345 || e.Mode != 0o4751) || e.Mode&0o777 != 0o751 {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("write", q("path", path, "mode", "600"), "new"); e.Mode != 0o600 || root && e.UID != 1234 {
		t.Errorf("expected the mode that was asked for, got %+v", e)
	}
	if e := g.entry("write", q("path", dir+"/x", "mode", "0755"), "#!/bin/sh\n"); e.Mode != 0o755 {
		t.Errorf("got %+v", e)
	}
	for _, bad := range []string{"8", "10000", "-1", "0o644", "rw", "+7"} {
		g.fails("invalid_argument", "write", q("path", dir+"/y", "mode", bad), "x")
	}
	holds(t, dir, "f", "x")
}

func TestWriteGoesThroughSymlinks(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/real/file", "old")
	for name, target := range map[string]string{"a": "b", "b": dir + "/c", "c": "real/../real/file", "dangling": "made/here", "up": "real/.."} {
		if err := os.Symlink(target, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	g.ok("write", q("path", dir+"/a"), "new")
	has(t, dir+"/real/file", "new")
	g.ok("write", q("path", dir+"/up/a"), "newer")
	has(t, dir+"/real/file", "newer")
	g.ok("write", q("path", dir+"/dangling"), "fresh")
	has(t, dir+"/made/here", "fresh")
	g.fails("not_a_file", "write", q("path", dir+"/up/real"), "x")
	for _, name := range []string{"a", "b", "c", "dangling", "up"} {
		if info, err := os.Lstat(dir + "/" + name); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no symlink any more: %v", name, err)
		}
	}
	holds(t, dir+"/real", "file")
}

func TestWriteCutShortChangesNothing(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	path := put(t, dir+"/f", "old")
	send := func(path, more string, length int64, body io.Reader) {
		request, err := http.NewRequest("PUT", g.url+"/v1/files/write?path="+url.QueryEscape(path)+more, body)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = length
		response, err := g.client.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode < 400 {
				t.Errorf("expected a failure, got %s", response.Status)
			}
		}
	}
	broken := func(n int) io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", n)), failingReader{})
	}
	for _, n := range []int{0, 10, chunkBytes, chunkBytes * 3} {
		send(path, "", -1, broken(n))                                   // the stream is reset
		send(path, "", int64(n)+5, broken(n))                           // and had a length
		send(path, "", 5, strings.NewReader(strings.Repeat("x", 10+n))) // longer than it said
		send(dir+"/new/deep/f", "", -1, broken(n))
		if n < chunkBytes {
			send(path, "&append=1", -1, broken(n))
			send(dir+"/new/deep/f", "&append=1", -1, broken(n))
		}
	}
	eventually(t, func() bool { entries, _ := os.ReadDir(dir); return len(entries) == 1 })
	has(t, path, "old")
	holds(t, dir, "f")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("cut") }

// eventually waits for what the server does after the client has gone.
func eventually(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it did not come about within 5 s")
			return
		}
	}
}

func TestAppend(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	path := dir + "/a/log"
	g.ok("write", q("path", path, "append", "1"), "one\n")
	if e := g.entry("write", q("path", path, "append", "1", "mode", "600"), "two\n"); e.Size != 8 || e.Mode != 0o600 {
		t.Errorf("got %+v", e)
	}
	has(t, path, "one\ntwo\n")
	if err := os.Symlink("a/log", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	g.ok("write", q("path", dir+"/link", "append", "1"), "")
	g.ok("write", q("path", dir+"/link", "append", "1"), "three\n")
	has(t, path, "one\ntwo\nthree\n")
	var all sync.WaitGroup
	line := strings.Repeat("y", 999) + "\n"
	for range 50 {
		all.Go(func() { g.ok("write", q("path", dir+"/many", "append", "1"), line) })
	}
	all.Wait()
	has(t, dir+"/many", strings.Repeat(line, 50))
}

func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	g, dir := serve(t), t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mounting a small tmpfs: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	put(t, dir+"/f", "old")
	big := strings.Repeat("x", 2<<20)
	g.fails("disk_full", "write", q("path", dir+"/f"), big)
	g.fails("disk_full", "write", q("path", dir+"/new/f"), big)
	has(t, dir+"/f", "old")
	large := put(t, t.TempDir()+"/large", big)
	g.fails("disk_full", "copy", q("from", large, "to", dir+"/copy"), "")
	g.fails("disk_full", "copy", q("from", filepath.Dir(large), "to", dir+"/copy"), "")
	g.fails("disk_full", "move", q("from", large, "to", dir+"/moved"), "")
	has(t, large, big)
	holds(t, dir, "f")
}

func TestWriteOntoFileThatIsMounted(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	below, path := put(t, dir+"/below", "old and longer"), put(t, dir+"/hosts", "")
	if err := syscall.Mount(below, path, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("mounting a file: %v", err)
	}
	defer syscall.Unmount(path, syscall.MNT_DETACH)
	if e := g.entry("write", q("path", path), "new"); e.Size != 3 {
		t.Errorf("got %+v", e)
	}
	has(t, path, "new")
	has(t, below, "new")
	holds(t, dir, "below", "hosts")
	g.fails("busy", "remove", q("path", path), "")
}

// A symlink is swapped, between two directories, while it is written through: every file has one whole content.
func TestWriteThroughSymlinkThatIsSwapped(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/one/f", strings.Repeat("o", 1000))
	put(t, dir+"/two/f", strings.Repeat("o", 1000))
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = os.Symlink([]string{"one", "two"}[i%2], dir+"/next")
				_ = os.Rename(dir+"/next", dir+"/link")
			}
		}
	})
	eventually(t, func() bool { _, err := os.Lstat(dir + "/link"); return err == nil })
	for range 200 {
		g.ok("write", q("path", dir+"/link/f"), strings.Repeat("n", 2000))
		for _, name := range []string{"/one/f", "/two/f"} {
			content, err := os.ReadFile(dir + name)
			if old, new := strings.Repeat("o", 1000), strings.Repeat("n", 2000); err != nil || string(content) != old && string(content) != new {
				t.Fatalf("%s: neither old nor new: %.20q %v", name, content, err)
			}
		}
	}
	close(stop)
	swapping.Wait()
	holds(t, dir+"/one", "f")
	holds(t, dir+"/two", "f")
}
