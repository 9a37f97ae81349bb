package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// names are legal in Linux and awkward everywhere else.
var names = []string{"-rf", "--", " ", "a b", "new\nline", "quo'te\"", "$(x)`y`", "back\\slash", "*?[a]", "ü\u202e", "\xff\xfe", "%2f", "+", "&a=b", "~", strings.Repeat("n", 255)}

func TestAwkwardNamesAreLiteral(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	for _, name := range names {
		path := dir + "/in/" + name
		e := g.entry("write", q("path", path), name)
		if want := strings.ToValidUTF8(name, "\uFFFD"); name != "\xff\xfe" && e.Name != want {
			t.Errorf("expected %q, got %q", want, e.Name)
		}
		if name == "\xff\xfe" && (e.NameBase64 != "//4=" || e.Name != "\uFFFD\uFFFD") || name != "\xff\xfe" && e.NameBase64 != "" {
			t.Errorf("%q: got %+v", name, e)
		}
		if got := g.ok("read", q("path", path), ""); string(got.body) != name {
			t.Errorf("%q: got %q", name, got.body)
		}
		g.ok("copy", q("from", path, "to", dir+"/copy/"+name), "")
		g.ok("move", q("from", dir+"/copy/"+name, "to", dir+"/moved/"+name), "")
		has(t, dir+"/moved/"+name, name)
		g.ok("mkdir", q("path", dir+"/d/"+name), "")
	}
	var got struct{ Entries []entry }
	if err := json.Unmarshal(g.ok("list", q("path", dir+"/in"), "").body, &got); err != nil || len(got.Entries) != len(names) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, name := range names {
		g.ok("remove", q("path", dir+"/in/"+name), "")
	}
	holds(t, dir+"/in")
	g.fails("invalid_argument", "write", q("path", dir+"/"+strings.Repeat("n", 256)), "x")
}

func TestPathsThatAreRefused(t *testing.T) {
	g := serve(t)
	for _, path := range []string{"", "relative", "./x", "a\x00b", "/a\x00b", "\x00/", "/" + strings.Repeat("a/", 2100)} {
		for route := range methods {
			g.fails("invalid_argument", route, q("path", path, "from", path, "to", path), "")
		}
	}
	for _, path := range []string{"/", "//", "/.", "/tmp/..", "/tmp/.", "/../"} {
		g.fails("invalid_argument", "remove", q("path", path, "recursive", "1"), "")
		g.fails("invalid_argument", "move", q("from", path, "to", "/tmp/never"), "")
		g.fails("invalid_argument", "copy", q("from", "/etc/hostname", "to", path), "")
	}
}

func TestListIsSortedAndBounded(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/b", "12")
	put(t, dir+"/B", "")
	put(t, dir+"/.hidden", "")
	if err := os.Symlink("nowhere", dir+"/a"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Entries   []entry
		Truncated bool
	}
	read := func(path string) string {
		got.Entries = nil
		if err := json.Unmarshal(g.ok("list", q("path", path), "").body, &got); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range got.Entries {
			all = append(all, e.Name+":"+e.Type+":"+e.Target)
		}
		return strings.Join(all, " ")
	}
	if all := read(dir + "//"); all != ".hidden:file: B:file: a:symlink:nowhere b:file:" || got.Truncated || got.Entries[3].Path != dir+"/b" {
		t.Errorf("got %s %+v", all, got)
	}
	if answer := g.ok("list", q("path", t.TempDir()), ""); strings.TrimSpace(string(answer.body)) != `{"entries":[],"truncated":false}` {
		t.Errorf("got %s", answer.body)
	}
	many := t.TempDir()
	for i := range 21_000 {
		if err := os.Mkdir(fmt.Sprintf("%s/%05d", many, (i*7919)%21_000), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	read(many)
	if !got.Truncated || len(got.Entries) != 10_000 || got.Entries[0].Name != "00000" || got.Entries[9_999].Name != "09999" {
		t.Errorf("got %d entries, truncated %v", len(got.Entries), got.Truncated)
	}
	g.fails("not_found", "list", q("path", dir+"/nothing"), "")
	g.fails("not_a_directory", "list", q("path", dir+"/b"), "")
	read("/proc/self/fd") // entries that go while they are listed
}

func TestListStaysBelowWhatTheHostAccepts(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	deep := dir
	for range 14 {
		deep += "/" + strings.Repeat("\x01", 250)
	}
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 1_500 {
		put(t, fmt.Sprintf("%s/%s%04d", deep, strings.Repeat("\x01", 240), i), "")
	}
	answer := g.ok("list", q("path", deep), "")
	if len(answer.body) > 16<<20 || !bytes.HasSuffix(bytes.TrimSpace(answer.body), []byte(`"truncated":true}`)) {
		t.Errorf("got %d bytes ending in %q", len(answer.body), answer.body[len(answer.body)-30:])
	}
}

func TestStat(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/f", "12345")
	if err := errors.Join(os.Symlink("f", dir+"/link"), os.Symlink("nowhere", dir+"/dangling"), os.Chtimes(dir+"/f", time.Time{}, time.UnixMilli(1_234_567_890_123))); err != nil {
		t.Fatal(err)
	}
	if e := g.entry("stat", q("path", dir+"/link"), ""); e.Type != "symlink" || e.Target != "f" || e.Name != "link" {
		t.Errorf("got %+v", e)
	}
	if e := g.entry("stat", q("path", dir+"/link", "follow", "1"), ""); e.Type != "file" || e.Target != "" || e.Size != 5 || e.Name != "link" || e.MtimeMs != 1_234_567_890_123 {
		t.Errorf("got %+v", e)
	}
	g.ok("stat", q("path", dir+"/dangling"), "")
	g.fails("not_found", "stat", q("path", dir+"/dangling", "follow", "1"), "")
	g.fails("not_a_directory", "stat", q("path", dir+"/f/"), "")
	for path, kind := range map[string]string{"/": "directory", "/dev/null": "device", "/tmp/": "directory"} {
		if e := g.entry("stat", q("path", path), ""); e.Type != kind || e.Name == "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

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
