package ignore

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var cases = []struct{ rules, paths string }{
	{"*.o\n!keep.o\nbuild/\n/top\nsub/file\n", "a.o keep.o x/a.o x/keep.o build/a x/build/b top x/top sub/file x/sub/file"},
	{"# note\n\\#file\n\\!bang\ntrail\\ \nspace   \n", "#file !bang space note"},
	{"**/deep\na/**/z\nall/**\n", "deep x/deep x/y/deep a/z a/b/z a/b/c/z all/x all/y/z"},
	{"*\n!*/\n!*.go\n", "a.go b.ts x/a.go x/b.ts"},
	{"*.tar.gz\n*.min.*\nfo?\n[ab]*\n", "x.tar.gz x.gz y.min.js foo fooo a1 c1"},
	{"\ufeff*.log\r\nlogs/\r\n", "a.log logs/x b.txt"},
	{"dir\n!dir/inside\n", "dir/inside"},
	{"!*.x\n*.x\n", "a.x"},
	{"*.x\n!a.x\na.x\n!a.*\n", "a.x b.x"},
	{"[\n[z\nplain\n", "plain [ [z"},
}

// TestAsGit compares with git itself.
func TestAsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to compare with")
	}
	for _, c := range cases {
		dir := t.TempDir()
		put(t, dir+"/.gitignore", c.rules)
		for _, path := range strings.Fields(c.paths) {
			put(t, filepath.Join(dir, path), "")
		}
		for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
			command := exec.Command("git", args...)
			command.Dir = dir
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("git %v: %s", args, out)
			}
		}
		command := exec.Command("git", "-c", "core.quotePath=false", "ls-files")
		command.Dir = dir
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		kept := strings.Fields(string(out))
		stack := (*Stack)(nil).Push(dir+"/", Parse(c.rules))
		for _, path := range strings.Fields(c.paths) {
			want := true
			for _, one := range kept {
				want = want && one != path
			}
			if got := ignoredWithParents(stack, dir+"/", path); got != want {
				t.Errorf("%q: %s ignored: %v, git: %v", c.rules, path, got, want)
			}
		}
	}
}

// ignoredWithParents walks down as a search does: what is in an ignored directory is never looked at.
func ignoredWithParents(stack *Stack, dir, path string) bool {
	for i, c := range path {
		if c == '/' && stack.Ignored(dir+path[:i], true) {
			return true
		}
	}
	return stack.Ignored(dir+path, false)
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNestedRulesComeFirst(t *testing.T) {
	top := (*Stack)(nil).Push("/r/", Parse("*.log\n/only-top\n"))
	below := top.Push("/r/sub/", Parse("!keep.log\n/anchored\n"))
	for path, want := range map[string]bool{
		"/r/sub/keep.log": false, "/r/sub/a.log": true, "/r/sub/anchored": true, "/r/sub/x/anchored": false, "/r/sub/only-top": false,
	} {
		if got := below.Ignored(path, false); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// FuzzParse compares the look-up tables with matching every rule.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add(c.rules, strings.Fields(c.paths)[0], true)
	}
	f.Fuzz(func(t *testing.T, text, path string, dir bool) {
		if path == "" || len(path) > 100 || len(text) > 1000 {
			return
		}
		r := Parse(text)
		name := path[strings.LastIndexByte(path, '/')+1:]
		want, wantKnown := false, false
		for _, one := range r.rules {
			if (dir || !one.dirsOnly) && (one.name && one.glob.Match(name) || !one.name && one.glob.Match(path)) {
				want, wantKnown = !one.negated, true
			}
		}
		if got, known := r.match(path, name, dir); got != want || known != wantKnown {
			t.Fatalf("%q on %q: %v %v, not %v %v", text, path, got, known, want, wantKnown)
		}
	})
}
