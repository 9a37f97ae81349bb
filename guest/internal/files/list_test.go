package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestListIsSortedAndBounded(t *testing.T) {
	g, dir := serve(t), t.TempDir()
	put(t, dir+"/b", "12")
	put(t, dir+"/B", "")
	put(t, dir+"/.hidden", "")
	if err := os.Symlink("nowhere", dir+"/a"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Entries   []Entry
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
