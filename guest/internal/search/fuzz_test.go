package search

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"testing"
)

// FuzzSearch compares a search with trying the expression on every line.
func FuzzSearch(f *testing.F) {
	for _, c := range [][2]string{
		{`foo|ba[rz]`, "foo\nxx bar\n\nbaz"}, {`(?i)\bkey=(\d+)$`, "Key=12\r\n\u212aey=3"}, {`[^a]b{2,}c?`, "xbbc\nabb\n\xffbb"}, {`^\s*$`, "\n \nx"},
		{`.é+`, "xéé\n\xc3"}, {`(a*)*b`, "aaab"}, {`x*`, ""}, {`\pL{2}1`, "äö1\nab1"}, {`a.{1000}`, "a"}, {"\uFFFD", "\xff\n\uFFFD"},
	} {
		f.Add(c[0], []byte(c[1]), false)
		f.Add(c[0], []byte(c[1]), true)
	}
	f.Fuzz(func(t *testing.T, text string, content []byte, ignoreCase bool) {
		if len(text) > 60 || len(content) > 2000 || bytes.IndexByte(content, 0) >= 0 {
			return
		}
		p, err := newPattern(text, false, ignoreCase)
		if err != nil {
			return
		}
		path := t.TempDir() + "/f"
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		r := &run{ctx: t.Context(), pattern: p, limit: 10_000}
		got := 0
		var data []byte
		err = r.over(1, func(each func(string) error) error { return each(path) }, func(pieces []piece) bool {
			for _, one := range pieces {
				got += len(one.ends)
				data = append(data, one.data...)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		prefix := ""
		if ignoreCase {
			prefix = "(?i)"
		}
		expression := regexp.MustCompile(prefix + text)
		want := 0
		for i, line := range bytes.Split(content, []byte{'\n'}) {
			if i == bytes.Count(content, []byte{'\n'}) && len(line) == 0 {
				break
			}
			match := expression.FindIndex(bytes.TrimSuffix(line, []byte{'\r'}))
			if match == nil {
				continue
			}
			want++
			place := fmt.Sprintf(`"line":%d,"column":%d,`, i+1, match[0]+1)
			if !bytes.Contains(data, []byte(place)) {
				t.Fatalf("%q in %q: no %s in %s", text, content, place, data)
			}
		}
		if got != want {
			t.Fatalf("%q in %q: %d lines, not %d", text, content, got, want)
		}
	})
}
