package edit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestReplaceInOrder(t *testing.T) {
	path := file(t, "one\ntwo\nthree\n")
	got := replaceIn(t, path, change{"old": "three", "new": "four"}, change{"old": "two\nfour", "new": "2\n2b\n$& \\1"}, change{"old": "one\n", "new": "0\n1\n"})
	has(t, path, "0\n1\n2\n2b\n$& \\1\n")
	if !slices.Equal(got.Replaced, []int{1, 1, 1}) || !slices.Equal(got.FirstLines, []int{5, 3, 1}) || got.TotalLines != 5 || got.Size != 15 || got.Mode != 0o640 {
		t.Errorf("%+v", got)
	}
}

func TestReplaceAll(t *testing.T) {
	path := file(t, "aaa aaaa\na")
	if got := replaceIn(t, path, change{"old": "aa", "new": "b", "all": true}); !slices.Equal(got.Replaced, []int{3}) || got.TotalLines != 2 {
		t.Errorf("%+v", got)
	}
	has(t, path, "ba bb\na")
	if got := replaceIn(t, path, change{"old": "zz", "new": "b", "all": true}); got.Code != "invalid_argument" {
		t.Errorf("%+v", got)
	}
}

func TestNothingIsWrittenWhenOneFails(t *testing.T) {
	path := file(t, "one\ntwo\ntwo\n}}}\n")
	got := replaceIn(t, path, change{"old": "one", "new": "two"}, change{"old": "two", "new": "x"})
	if got.Status != 400 || got.Code != "invalid_argument" || got.Context.Index != 1 || got.Context.Matches != 3 || !slices.Equal(got.Context.Lines, []int{1, 2, 3}) {
		t.Errorf("%+v", got)
	}
	if got := replaceIn(t, path, change{"old": "}}", "new": "x"}); got.Context.Matches != 2 || !slices.Equal(got.Context.Lines, []int{4}) {
		t.Errorf("overlapping: %+v", got)
	}
	has(t, path, "one\ntwo\ntwo\n}}}\n")
}

func TestReplaceKeepsBytes(t *testing.T) {
	for name, c := range map[string]struct{ before, old, new, after string }{
		"CRLF":             {"a\r\nb\r\nc", "b", "B", "a\r\nB\r\nc"},
		"no final newline": {"a\nb", "a", "A", "A\nb"},
		"to nothing":       {"abc", "abc", "", ""},
		"binary":           {"\x00\xff\xfe key \x80", "key", "KEY", "\x00\xff\xfe KEY \x80"},
		"white space":      {"  a  \n\n\n", "a", "b", "  b  \n\n\n"},
	} {
		path := file(t, c.before)
		if got := replaceIn(t, path, change{"old": c.old, "new": c.new}); got.Status != 200 {
			t.Errorf("%s: %+v", name, got)
		}
		has(t, path, c.after)
	}
	path := file(t, "\x00\xff\x01")
	replaceIn(t, path, change{"oldBase64": []byte{0xff}, "newBase64": []byte{0xfe, 0xfd}})
	has(t, path, "\x00\xfe\xfd\x01")
}

func TestReplaceMatchesLineEndings(t *testing.T) {
	path := file(t, "a\r\nb\r\n")
	changes := []change{{"old": "a\nb\n", "new": "x\ny\r\nz\n"}}
	if got := replaceIn(t, path, changes...); got.Context.Difference != "line_endings" {
		t.Errorf("%+v", got)
	}
	post(t, "replace", path, map[string]any{"replacements": changes, "matchLineEndings": true})
	has(t, path, "x\r\ny\r\nz\r\n")
}

func TestReplaceThroughASymlinkKeepsMode(t *testing.T) {
	path := file(t, "old")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o4711); err != nil {
		t.Fatal(err)
	}
	replaceIn(t, link, change{"old": "old", "new": "new"})
	has(t, path, "new")
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}

func TestReplaceRefuses(t *testing.T) {
	path := file(t, "x")
	dir := filepath.Dir(path)
	if err := os.Symlink("itself", dir+"/itself"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code, path string
		request    any
	}{
		{"not_found", dir + "/missing/file", map[string]any{"replacements": []change{{"old": "x", "new": "y"}}}},
		{"not_a_file", dir, map[string]any{"replacements": []change{{"old": "x", "new": "y"}}}},
		{"invalid_argument", dir + "/itself", map[string]any{"replacements": []change{{"old": "x", "new": "y"}}}},
		{"invalid_argument", "relative", map[string]any{"replacements": []change{{"old": "x", "new": "y"}}}},
		{"invalid_argument", path, map[string]any{"replacements": []change{{"old": "", "new": "y"}}}},
		{"invalid_argument", path, map[string]any{"replacements": []change{}}},
		{"invalid_argument", path, map[string]any{"replacements": make([]change, maxReplacements+1)}},
		{"invalid_argument", path, "text"},
	} {
		if got := post(t, "replace", c.path, c.request); got.Code != c.code {
			t.Errorf("%s %v: %+v", c.path, c.request, got)
		}
	}
	if answer := ask("POST", "replace", "path="+path, []byte("{\"replacements\":[{\"old\":\"x\",\"new\":\"\xff\"}]}")); answer.Code != 400 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	has(t, path, "x")
	if _, err := os.Stat(dir + "/missing"); err == nil {
		t.Error("a directory was made")
	}
}

func TestEditsOfOneFileAtOnceAreAllKept(t *testing.T) {
	path := file(t, repeat(40, func(i int) string { return fmt.Sprintf("<%d>\n", i) }))
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			if got := replaceIn(t, path, change{"old": fmt.Sprintf("<%d>", i), "new": fmt.Sprintf("done %d", i)}); got.Status != 200 {
				t.Errorf("%+v", got)
			}
		})
	}
	group.Wait()
	has(t, path, repeat(40, func(i int) string { return fmt.Sprintf("done %d\n", i) }))
}

func TestReplaceInFortyThousandLines(t *testing.T) {
	line := func(i int) string { return fmt.Sprintf("line %d of many\n", i) }
	path := file(t, repeat(40_002, line))
	got := replaceIn(t, path, change{"old": "line 40000 of", "new": "LINE"}, change{"old": "line 0 of", "new": "first\nof"})
	if got.TotalLines != 40_003 || !slices.Equal(got.FirstLines, []int{40_002, 1}) {
		t.Errorf("%+v", got)
	}
	want := strings.Replace(repeat(40_002, line), "line 40000 of", "LINE", 1)
	has(t, path, strings.Replace(want, "line 0 of", "first\nof", 1))
}
