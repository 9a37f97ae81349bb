package edit

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	for _, c := range []struct {
		content, query, want                   string
		total, start, end, offset, cut, binary int
	}{
		{"a\nb\nc\n", "", "a\nb\nc\n", 3, 1, 3, 0, 0, 0},
		{"a\nb\nc\n", "&start=2&end=2", "b\n", 3, 2, 2, 2, 0, 0},
		{"a\nb\nc", "&start=3", "c", 3, 3, 3, 4, 0, 0},
		{"a\nb\nc", "&start=2&end=99", "b\nc", 3, 2, 3, 2, 0, 0},
		{"a\nb\n", "&start=3", "", 2, 3, 2, 4, 0, 0},
		{"", "", "", 0, 1, 0, 0, 0, 0},
		{"\n\n", "&start=2", "\n", 2, 2, 2, 1, 0, 0},
		{"a\r\nb\r\n", "&start=2", "b\r\n", 2, 2, 2, 3, 0, 0},
		{"a\x00b\n", "", "a\x00b\n", 1, 1, 1, 0, 0, 1},
		{"aa\nbb\ncc\n", "&maxBytes=7", "aa\nbb\n", 3, 1, 2, 0, 1, 0},
		{"aa\nbb\ncc\n", "&start=2&maxBytes=2", "bb", 3, 2, 2, 3, 1, 0},
		{long + "\n" + long + "\nend\n", "&start=2&end=2", long + "\n", 3, 2, 2, 200_001, 0, 0},
		{long + "\n" + long, "&start=2&maxBytes=5", "xxxxx", 2, 2, 2, 200_001, 1, 0},
		{long + "\n" + long, "&end=1", long + "\n", 2, 1, 1, 0, 0, 0},
	} {
		got, header := readLines(t, file(t, c.content), c.query)
		if got != c.want {
			t.Errorf("%.40q%s: %.40q (%d bytes)", c.content, c.query, got, len(got))
		}
		for name, want := range map[string]int{
			"lms-total-lines": c.total, "lms-start": c.start, "lms-end": c.end, "lms-offset": c.offset, "lms-truncated": c.cut, "lms-binary": c.binary,
		} {
			if header.Get(name) != strconv.Itoa(want) {
				t.Errorf("%.40q%s: %s is %s, not %d", c.content, c.query, name, header.Get(name), want)
			}
		}
	}
}

func TestLinesOfGeneratedFiles(t *testing.T) {
	got, header := readLines(t, "/proc/self/status", "&start=1&end=1")
	if !strings.HasPrefix(got, "Name:") || header.Get("lms-total-lines") == "0" {
		t.Errorf("%q %v", got, header)
	}
}

func TestLinesOfAHugeFile(t *testing.T) {
	path := file(t, "first\n")
	if err := os.Truncate(path, 1<<27); err != nil { // sparse
		t.Fatal(err)
	}
	if got, header := readLines(t, path, "&end=1"); got != "first\n" || header.Get("lms-total-lines") != "2" {
		t.Errorf("%q %v", got, header)
	}
	if got, header := readLines(t, path, "&start=2"); len(got) != maxLinesBytes || header.Get("lms-truncated") != "1" {
		t.Errorf("%d %v", len(got), header)
	}
}

func TestLinesRefuses(t *testing.T) {
	for query, code := range map[string]int{
		"path=/etc/passwd&start=0": 400, "path=/etc/passwd&start=3&end=2": 400, "path=/dev/zero": 400, "path=/etc": 400, "path=/missing": 404, "path=x": 400,
	} {
		if answer := ask("GET", "lines", query, nil); answer.Code != code {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", uint8(2), uint8(3), uint8(3), uint8(2))
	f.Fuzz(func(t *testing.T, content string, start, count, limit, piece uint8) {
		l := lineRange{start: int64(start) + 1, end: int64(start) + int64(count) + 1, limit: int64(limit) + 1}
		for rest := content; rest != ""; {
			n := min(len(rest), int(piece)+1)
			_, _ = l.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		l.finish()
		all := strings.SplitAfter(content, "\n")
		if all[len(all)-1] == "" {
			all = all[:len(all)-1]
		}
		want := ""
		for i, line := range all {
			if n := int64(i) + 1; n < l.start || n > l.end {
				continue
			}
			if want == "" && int64(len(line)) > l.limit {
				want = line[:l.limit]
				break
			}
			if int64(len(want)+len(line)) > l.limit {
				break
			}
			want += line
		}
		if got := content[l.from:l.to]; got != want || l.total != int64(len(all)) {
			t.Fatalf("%s: %q, not %q; %d lines, not %d", fmt.Sprint(l.start, l.end, l.limit), got, want, l.total, len(all))
		}
	})
}
