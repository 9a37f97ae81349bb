package search

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestWhatIsSearched(t *testing.T) {
	dir := grow(t,
		"a.txt", "needle", "a/b.go", "needle", "a/c/d.ts", "needle", ".env", "needle", ".git/x", "needle", "sub/node_modules/x", "needle",
		".cache/x", "needle", "binary", "needle\x00", "none", "hay", "ign/x.log", "needle", "ign/keep.log", "needle", "ign/sub/y.log", "needle",
		"ign/.gitignore", "*.log\n!keep.log\n", "-dash", "needle", "new\nline", "needle", "bad\xff", "needle")
	if err := os.Symlink("a", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dir+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	all := "-dash .env a.txt a/b.go a/c/d.ts bad\uFFFD ign/keep.log ign/sub/y.log ign/x.log new\nline"
	for _, c := range []struct {
		request fields
		want    string
	}{
		{fields{}, all},
		{fields{"hidden": false}, strings.Replace(all, ".env ", "", 1)},
		{fields{"all": true}, "-dash .cache/x .env .git/x a.txt a/b.go a/c/d.ts bad\uFFFD ign/keep.log ign/sub/y.log ign/x.log new\nline sub/node_modules/x"},
		{fields{"gitignore": true}, "-dash .env a.txt a/b.go a/c/d.ts bad\uFFFD ign/keep.log new\nline"},
		{fields{"glob": []string{"*.{go,ts}", "!a/c/**"}}, "a/b.go"},
		{fields{"glob": []string{"a/*"}}, "a/b.go"},
		{fields{"glob": []string{"!ign", "*.log"}}, ""},
	} {
		c.request["pattern"] = "needle"
		if got := paths(t, dir, c.request); got != c.want {
			t.Errorf("%v: %q, not %q", c.request, got, c.want)
		}
	}
	if _, end := find(t, fields{"pattern": "needle", "path": dir}); end.Files != 10 || end.Matches != 10 || end.Binary != 1 || end.Searched != 12 || end.Truncated {
		t.Errorf("%+v", end)
	}
	for _, path := range []string{dir + "/a/b.go", dir + "/link/b.go", dir + "/link", dir + "/sub/node_modules"} {
		if found, _ := find(t, fields{"pattern": "needle", "path": path}); len(found) == 0 || !strings.HasPrefix(found[0].Path, path) {
			t.Errorf("%s: %v", path, found)
		}
	}
}

func TestRulesAboveTheDirectory(t *testing.T) {
	dir := grow(t, ".git/HEAD", "", ".gitignore", "/sub/x\n", "sub/x", "needle", "sub/y", "needle")
	if got := paths(t, dir+"/sub", fields{"pattern": "needle", "gitignore": true}); got != "y" {
		t.Error(got)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		content, pattern, options string
		want                      string // line:column+length text
	}{
		{"one\ntwo two\nthree", "t[wh]", "", "2:1+2 two two|3:1+2 three"},
		{"a.b\naxb\n", "a.b", "literal", "1:1+3 a.b"},
		{"ABC\nabc\nxAbC", "abc", "ignoreCase", "1:1+3 ABC|2:1+3 abc|3:2+3 xAbC"},
		{"\u212aey\nkey\n\u017fo\n", "key|so", "ignoreCase", "1:1+5 \u212aey|2:1+3 key|3:1+3 \u017fo"},
		{"foo\r\nfoo bar\r\n", "foo$", "", "1:1+3 foo"},
		{"foo\r\n", "foo", "", "1:1+3 foo"},
		{"\n\nx\n\n", "^$", "", "1:1+0 |2:1+0 |4:1+0 "},
		{"foobar\nfoo bar\n", `\bfoo\b`, "", "2:1+3 foo bar"},
		{"über\nuber\n", `^.ber`, "", "1:1+5 über|2:1+4 uber"},
		{"\xffx\n", `^.x`, "", "1:1+2 \uFFFDx"},
		{"a1\nb22\nc333\n", `[a-z][0-9]{2,}$`, "", "2:1+3 b22|3:1+4 c333"},
		{"(a)\n", "(a)", "literal", "1:1+3 (a)"},
	} {
		request := fields{"pattern": c.pattern, "path": grow(t, "f", c.content)}
		if c.options != "" {
			request[c.options] = true
		}
		all, _ := find(t, request)
		var got []string
		for _, one := range all {
			got = append(got, fmt.Sprintf("%d:%d+%d %s", one.Line, one.Column, one.Length, one.Text))
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q in %q: %q, not %q", c.pattern, c.content, strings.Join(got, "|"), c.want)
		}
	}
}

func TestContext(t *testing.T) {
	dir := grow(t, "f", "1\n2\n3 x\n4\n5\n6\n7 x\n8 x\n9\n10\n11")
	all, _ := find(t, fields{"pattern": "x", "path": dir, "context": 2})
	var got []string
	for _, one := range all {
		got = append(got, fmt.Sprintf("%s%d", one.Type[:1], one.Line))
	}
	if want := "c1 c2 m3 c4 c5 c6 m7 m8 c9 c10"; strings.Join(got, " ") != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestContextAcrossBuffers(t *testing.T) {
	var text strings.Builder
	for i := 1; i <= 60_000; i++ {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	all, _ := find(t, fields{"pattern": "00$", "path": grow(t, "f", text.String()), "context": 3, "maxResults": 100_000})
	for i, one := range all {
		want := 97 + i/7*100 + i%7
		if one.Line != want || one.Text != fmt.Sprintf("line %d", want) || (one.Type == "match") != (want%100 == 0) {
			t.Fatalf("%d: %+v, not line %d", i, one, want)
		}
	}
	if len(all) != 4200-3 {
		t.Errorf("%d lines", len(all))
	}
}

func TestLongLines(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	dir := grow(t, "f", long+"needle"+long+"\nshort needle\n", "huge", strings.Repeat("x", 3*maxLine)+"needle\nneedle")
	all, _ := find(t, fields{"pattern": "needle", "path": dir})
	if len(all) != 4 {
		t.Fatalf("%d found", len(all))
	}
	one := all[0]
	if one.Column != 10_001 || len(one.Text) > maxText+4 || !strings.Contains(one.Text, "needle") || one.CutBefore+len(one.Text)+one.CutAfter != 20_006 || strings.Contains(one.Text, "\uFFFD") {
		t.Errorf("%+v", one)
	}
	if all[1].Line != 2 || all[2].Line != 1 || all[3].Line != 2 {
		t.Errorf("%+v", all)
	}
}

func TestOrderAndLimit(t *testing.T) {
	var pairs []string
	for i := range 500 {
		pairs = append(pairs, fmt.Sprintf("d%03d/f", i*7919%500), "x\nx\n")
	}
	dir := grow(t, pairs...)
	whole, end := find(t, fields{"pattern": "x", "path": dir})
	if len(whole) != 1000 || end.Truncated || end.Files != 500 {
		t.Fatalf("%d %+v", len(whole), end)
	}
	for i := 1; i < len(whole); i++ {
		if whole[i-1].Path > whole[i].Path {
			t.Fatalf("%s before %s", whole[i-1].Path, whole[i].Path)
		}
	}
	for _, limit := range []int{1, 2, 3, 999} {
		some, end := find(t, fields{"pattern": "x", "path": dir, "maxResults": limit})
		if len(some) != limit || !end.Truncated || end.Matches != limit || end.Files != (limit+1)/2 || some[limit-1] != whole[limit-1] {
			t.Errorf("%d: %d %+v", limit, len(some), end)
		}
	}
}

func TestManyMatchesInOneFile(t *testing.T) {
	dir := grow(t, "f", strings.Repeat("x y z\n", 150_000), "g", "y")
	all, end := find(t, fields{"pattern": "y", "path": dir, "maxResults": maxResults})
	if len(all) != maxResults || all[maxResults-1].Line != maxResults || !end.Truncated || end.Files != 1 {
		t.Errorf("%d %+v", len(all), end)
	}
}
