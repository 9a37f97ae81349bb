package glob

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		glob, yes, no string
	}{
		{"*.go", "a.go .go ü.go", "a.goo a/b.go"},
		{"src/*.go", "src/a.go", "src/x/a.go a.go"},
		{"**/a", "a x/a x/y/a", "xa x/ab"},
		{"a/**", "a/b a/b/c", "a b/a/c"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb"},
		{"**", "a a/b", ""},
		{"a**b", "ab axxb", "a/b"},
		{"?", "a ü /", "ab"},
		{"[a-c]x[!0-9]", "axz", "dxz ax1 ax/"},
		{"[]]", "]", "["},
		{`\*`, "*", "a"},
		{"**/*_test.go", "a_test.go x/y/b_test.go", "a.go"},
		{"a*b*c/**/d*", "abc/d axbxc/x/y/dd", "abc/x/y"},
	} {
		g, err := Compile(c.glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(c.yes) {
			if !g.Match(path) && path != "/" {
				t.Errorf("%s does not match %s", c.glob, path)
			}
		}
		for _, path := range strings.Fields(c.no) {
			if g.Match(path) {
				t.Errorf("%s matches %s", c.glob, path)
			}
		}
	}
	for _, bad := range []string{"[", "[a", "[!", "[\\", "[]", strings.Repeat("a", maxPattern+1)} {
		if _, err := Compile(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestFilter(t *testing.T) {
	for _, c := range []struct{ globs, yes, no string }{
		{"", "a x/b", ""},
		{"*.{go,ts}", "a.go x/b.ts", "c.js"},
		{"*.go !*_test.go", "a.go", "a_test.go x.ts"},
		{"!*_test.go", "a.go x.ts", "x/a_test.go"},
		{"src/**", "src/a src/x/b", "a x/src/a"},
		{"/src/*.c ./lib/*.c", "src/a.c lib/b.c", "x/src/a.c"},
		{"docs/", "docs/a docs/x/b", "a"},
		{"*.go !vendor/** vendor/keep.go", "a.go vendor/keep.go", "vendor/b.go"},
		{"{a,{b,c}d}.x", "a.x bd.x cd.x", "d.x"},
		{"a{b", "a{b", "ab"},
	} {
		f, err := NewFilter(strings.Fields(c.globs))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(c.yes) {
			if !f.File(path) {
				t.Errorf("%s leaves out %s", c.globs, path)
			}
		}
		for _, path := range strings.Fields(c.no) {
			if f.File(path) {
				t.Errorf("%s chooses %s", c.globs, path)
			}
		}
	}
	for _, bad := range [][]string{{""}, {"!"}, {"[a"}, {strings.Repeat("{a,b}", 12)}, make([]string, maxGlobs+1)} {
		if _, err := NewFilter(bad); err == nil {
			t.Errorf("%q are taken", bad)
		}
	}
	if f, _ := NewFilter([]string{"*.go", "!vendor", "!build/"}); f.Enter("vendor") || f.Enter("x/vendor") || f.Enter("build") || !f.Enter("src") {
		t.Error("directories")
	}
}

// naive tries everything.
func naive(ops []op, path string, at int) bool {
	if len(ops) == 0 {
		return at == len(path)
	}
	switch o := ops[0]; o.kind {
	case star:
		for {
			if naive(ops[1:], path, at) {
				return true
			}
			if at == len(path) || path[at] == '/' {
				return false
			}
			_, n := utf8.DecodeRuneInString(path[at:])
			at += n
		}
	case dirs:
		for {
			if naive(ops[1:], path, at) {
				return true
			}
			i := strings.IndexByte(path[at:], '/')
			if i < 0 {
				return false
			}
			at += i + 1
		}
	case rest:
		return at < len(path)
	default:
		n := o.match(path[at:])
		return n > 0 && naive(ops[1:], path, at+n)
	}
}

func FuzzMatch(f *testing.F) {
	for _, pair := range [][2]string{{"**/a*b/**/c?", "x/aab/b/cd"}, {"*a*b", "aXbab"}, {"[!a-c]*/**", "d/\xff"}, {"**/**/a", "a"}, {"a/**/**", "a/b"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 24 || len(path) > 40 {
			return
		}
		g, err := Compile(pattern)
		if err != nil {
			return
		}
		if got, want := g.Match(path), naive(g.ops, path, 0); got != want {
			t.Fatalf("%q on %q: %v", pattern, path, got)
		}
		_, _ = NewFilter([]string{pattern})
	})
}
