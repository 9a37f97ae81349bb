package account

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func etc(t *testing.T, passwd, group string) string {
	t.Helper()
	directory := t.TempDir()
	for name, content := range map[string]string{"passwd": passwd, "group": group} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:100::/home/ann:/bin/sh\n"
	group  = "root:x:0:\nusers:x:100:ann\naudio:x:29:ann,bob\nshy:x:1001:"
)

func TestFind(t *testing.T) {
	directory := etc(t, passwd, group)
	for _, c := range []struct {
		asked, name string
		uid, gid    uint32
		groups      int
	}{
		{"root", "root", 0, 0, 0},
		{"0", "root", 0, 0, 0},
		{"ann", "ann", 1000, 100, 1},
		{"1000", "ann", 1000, 100, 1},
		{"1000:7", "ann", 1000, 7, 0},
		{"7", "7", 7, 7, 0},
		{"7:8", "7", 7, 8, 0},
	} {
		a, err := find(directory, c.asked)
		if err != nil || a.Name != c.name || a.UID != c.uid || a.GID != c.gid || len(a.Groups) != c.groups {
			t.Errorf("%s: got %+v, %v", c.asked, a, err)
		}
	}
}

func TestAnAccountIsMadeOnce(t *testing.T) {
	directory := etc(t, passwd, group)
	for range 2 {
		// 1000 is a user's, 1001 a group's.
		if a, err := find(directory, "eve"); err != nil || a.UID != 1002 || a.GID != 1002 {
			t.Fatalf("got %+v, %v", a, err)
		}
	}
	for name, line := range map[string]string{"passwd": "eve:x:1002:1002:", "group": "shy:x:1001:\neve:x:1002:\n"} {
		content, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil || strings.Count(string(content), line) != 1 {
			t.Errorf("%s: expected %q once in it, got %q, %v", name, line, content, err)
		}
	}
	if a, err := find(directory, "shy"); err != nil || a.GID != 1001 {
		t.Errorf("a group of that name is taken: got %+v, %v", a, err)
	}
}

func TestWhatIsNoUserIsRefused(t *testing.T) {
	directory := etc(t, passwd+"minus:x:-1:0::/:/bin/sh\n", group)
	for _, asked := range []string{"", "Ann", "a b", "a:b", "4294967295", "1:4294967295", "99999999999", "../x", "minus"} {
		if a, err := find(directory, asked); err == nil {
			t.Errorf("%q: expected an error, got %+v", asked, a)
		}
	}
}
