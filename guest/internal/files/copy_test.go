package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestCopy(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	old := time.UnixMilli(1_000_000_000_123)
	put(t, dir+"/tree/sub/f", "content")
	put(t, dir+"/tree/empty", "")
	if err := errors.Join(os.Symlink("sub/f", dir+"/tree/link"), os.Symlink("tree", dir+"/to-tree"), os.Chmod(dir+"/tree/sub/f", 0o750), os.Chmod(dir+"/tree/sub", 0o711), os.Chtimes(dir+"/tree/sub/f", old, old), os.Chtimes(dir+"/tree/sub", old, old)); err != nil {
		t.Fatal(err)
	}
	g.ok("copy", q("from", dir+"/tree/", "to", dir+"/new/copy/"), "")
	has(t, dir+"/new/copy/sub/f", "content")
	has(t, dir+"/new/copy/link", "content")
	if e := g.entry("stat", q("path", dir+"/new/copy/sub/f"), ""); e.Mode != 0o750 || e.MtimeMs != old.UnixMilli() {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("stat", q("path", dir+"/new/copy/sub"), ""); e.Mode != 0o711 || e.MtimeMs != old.UnixMilli() {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("copy", q("from", dir+"/to-tree", "to", dir+"/link-copy"), ""); e.Type != "symlink" || e.Target != "tree" {
		t.Errorf("got %+v", e)
	}
	put(t, dir+"/f", "longer content")
	g.ok("copy", q("from", dir+"/tree/sub/f", "to", dir+"/f"), "")
	g.ok("copy", q("from", dir+"/f", "to", dir+"/f"), "")
	has(t, dir+"/f", "content")
	g.ok("copy", q("from", "/proc/self/status", "to", dir+"/status"), "")
	if e := g.entry("stat", q("path", dir+"/status"), ""); e.Size == 0 {
		t.Errorf("got %+v", e)
	}
	for _, into := range []string{"/tree/x", "/tree/sub/x/y", "/to-tree/x", "/tree/sub/../x"} {
		g.fails("invalid_argument", "copy", q("from", dir+"/tree", "to", dir+into), "")
	}
	holds(t, dir+"/tree", "empty", "link", "sub")
	g.fails("already_exists", "copy", q("from", dir+"/tree", "to", dir+"/new"), "")
	g.fails("already_exists", "copy", q("from", dir+"/tree", "to", dir+"/f"), "")
	g.fails("already_exists", "copy", q("from", dir+"/f", "to", dir+"/new"), "")
	g.fails("not_a_file", "copy", q("from", "/dev/zero", "to", dir+"/zero"), "")
	if err := syscall.Mkfifo(dir+"/tree/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	g.fails("not_a_file", "copy", q("from", dir+"/tree", "to", dir+"/a/b/c"), "")
	holds(t, dir, "f", "link-copy", "new", "status", "to-tree", "tree")
}

func TestCopyIntoItselfThroughBindMount(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/tree/sub/f", "x")
	if err := errors.Join(os.Mkdir(dir+"/bind", 0o755), syscall.Mount(dir+"/tree/sub", dir+"/bind", "", syscall.MS_BIND, "")); err != nil {
		t.Skipf("mounting a directory: %v", err)
	}
	defer syscall.Unmount(dir+"/bind", syscall.MNT_DETACH)
	g.fails("invalid_argument", "copy", q("from", dir+"/tree", "to", dir+"/bind/x"), "")
	holds(t, dir+"/tree/sub", "f")
}

func TestCopyKeepsHoles(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	f, err := os.Create(dir + "/sparse")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("middle"), 5<<30)
	if err = errors.Join(err, f.Truncate(10<<30), f.Close()); err != nil {
		t.Skipf("a sparse file: %v", err)
	}
	g.ok("copy", q("from", dir+"/sparse", "to", dir+"/copy"), "")
	var is syscall.Stat_t
	if err := syscall.Stat(dir+"/copy", &is); err != nil || is.Size != 10<<30 || is.Blocks*512 > 1<<20 {
		t.Errorf("%d bytes on %d, %v", is.Size, is.Blocks*512, err)
	}
	if part := g.ok("read", q("path", dir+"/copy", "offset", fmt.Sprint(5<<30), "length", "6"), ""); string(part.body) != "middle" {
		t.Errorf("got %q", part.body)
	}
}

func TestCopyThatIsCanceledLeavesNothing(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	for i := range 3_000 {
		put(t, fmt.Sprintf("%s/tree/%d/f", dir, i), "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "POST", g.url+"/v1/files/copy?"+url.Values{"from": {dir + "/tree"}, "to": {dir + "/a/copy"}}.Encode(), nil)
	go func() {
		defer cancel()
		eventually(t, func() bool { entries, _ := os.ReadDir(dir + "/a"); return len(entries) == 1 })
	}()
	if response, err := g.client.Do(request); err == nil {
		t.Errorf("expected it to be canceled, got %s", response.Status)
	}
	eventually(t, func() bool { _, err := os.Lstat(dir + "/a"); return err != nil })
	holds(t, dir, "tree")
}

func TestCopyOfVeryDeepTreeIsRefused(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	at, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range maxDepth + 5 {
		if err := at.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		at.Close()
		at = next
	}
	at.Close()
	answer, err := g.send("POST", "copy", q("from", dir+"/d", "to", dir+"/copy"), nil)
	if err != nil || !bytes.Contains(answer.body, []byte("too_large")) && !bytes.Contains(answer.body, []byte("limit_reached")) {
		t.Errorf("%s %v", answer.body, err)
	}
	holds(t, dir, "d")
	g.ok("remove", q("path", dir+"/d", "recursive", "1"), "")
}

// While a tree is copied its directories become symlinks to outside, FIFOs, and directories again: the copy may fail, but
// holds nothing from outside, and ends.
func TestCopyOfTreeThatIsSwapped(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/secret/f", "secret")
	put(t, dir+"/tree/a/b/f", "open")
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				b := dir + "/tree/a/b"
				_ = os.Rename(b, dir+"/kept")
				switch i % 4 {
				case 0:
					_ = os.Symlink(dir+"/secret", b)
				case 1:
					_ = os.Symlink("../../secret", b)
				case 2:
					_ = os.Symlink(".", b)
				case 3:
					_ = syscall.Mkfifo(b, 0o600)
				}
				_ = os.Remove(b)
				_ = os.Rename(dir+"/kept", b)
			}
		}
	})
	for range 300 {
		answer, err := g.send("POST", "copy", q("from", dir+"/tree", "to", dir+"/copy"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.status == 200 {
			if info, err := os.Lstat(dir + "/copy/a/b"); err == nil && info.IsDir() {
				has(t, dir+"/copy/a/b/f", "open")
			}
			g.ok("remove", q("path", dir+"/copy", "recursive", "1"), "")
		}
		if _, err := os.Lstat(dir + "/copy"); err == nil {
			t.Fatal("something is left of a copy")
		}
	}
	close(stop)
	swapping.Wait()
	has(t, dir+"/secret/f", "secret")
	holds(t, dir, "secret", "tree")
}
