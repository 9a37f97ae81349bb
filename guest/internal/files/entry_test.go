package files

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
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
	var got struct{ Entries []Entry }
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
