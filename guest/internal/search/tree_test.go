package search

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	dir := grow(t, "a.txt", "1", "a/b/c", "12", ".hidden/x", "", "node_modules/x", "", "z.log", "", ".gitignore", "*.log\n")
	if err := os.Symlink("a", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query, want string
		truncated   bool
	}{
		{"", "a.txt a a/b a/b/c link node_modules z.log", false},
		{"&depth=1", "a.txt a link node_modules z.log", false},
		{"&depth=2", "a.txt a a/b link node_modules z.log", false},
		{"&max=2", "a.txt a", true},
		{"&max=7", "a.txt a a/b a/b/c link node_modules z.log", false},
		{"&hidden=1&gitignore=1", ".gitignore .hidden .hidden/x a.txt a a/b a/b/c link node_modules", false},
		{"&all=1", "a.txt a a/b a/b/c link node_modules node_modules/x z.log", false},
	} {
		answer := ask("GET", "files/tree?path="+url.QueryEscape(dir)+c.query, nil)
		var got struct {
			Entries []struct {
				Path, Type, Target string
				Size               int
			}
			Truncated bool
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != 200 {
			t.Fatalf("%s: %d %s", c.query, answer.Code, answer.Body)
		}
		var names []string
		for _, one := range got.Entries {
			names = append(names, strings.TrimPrefix(one.Path, dir+"/"))
			if one.Type == "symlink" && one.Target != "a" {
				t.Errorf("%+v", one)
			}
		}
		if strings.Join(names, " ") != c.want || got.Truncated != c.truncated {
			t.Errorf("%s: %q %v, not %q", c.query, names, got.Truncated, c.want)
		}
	}
	for query, code := range map[string]int{
		"path=/missing": 404, "path=/etc/passwd": 400, "path=x": 400, "path=/&depth=0": 400, "path=/&max=10001": 400,
	} {
		if answer := ask("GET", "files/tree?"+query, nil); answer.Code != code {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}

func TestTreeOfTheWholeSystem(t *testing.T) {
	answer := ask("GET", "files/tree?path=/&depth=2", nil)
	if answer.Code != 200 || strings.Contains(answer.Body.String(), `"path":"/proc/`) {
		t.Errorf("%d %.200s", answer.Code, answer.Body)
	}
}
