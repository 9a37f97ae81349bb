package account

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// FuzzFind: whoever is found is who was asked for, and is found again as the same.
func FuzzFind(f *testing.F) {
	for _, asked := range []string{"root", "0", "ann", "1000:7", "eve", "4294967295", "minus", "a:b"} {
		f.Add(asked, passwd+"minus:x:-1:0::/:/bin/sh\n", group)
	}
	f.Add("eve", "eve:x:1000\neve::7:8:::", "eve:x:4294967295:")
	f.Add("ann", "ann:x:0:5:::\nann:x:9:9:::", "g:x:9:ann,ann\nh:x:x:ann")
	f.Fuzz(func(t *testing.T, asked, passwd, group string) {
		directory := etc(t, passwd, group)
		a, err := find(directory, asked)
		if err != nil {
			return
		}
		const nobody = 1<<32 - 1 // means "as it is" to the kernel
		if a.UID == nobody || a.GID == nobody || slices.Contains(a.Groups, nobody) {
			t.Fatalf("%q: %+v", asked, a)
		}
		if a.UID == 0 && len(a.Groups) > 0 {
			t.Fatalf("%q: root with groups: %+v", asked, a)
		}
		if namePattern.MatchString(asked) && a.Name != asked {
			t.Fatalf("%q: %+v", asked, a)
		}
		if uid, _, _ := strings.Cut(asked, ":"); numberPattern.MatchString(asked) {
			if n, _ := strconv.ParseUint(uid, 10, 32); uint32(n) != a.UID {
				t.Fatalf("%q: %+v", asked, a)
			}
		}
		again, err := find(directory, asked)
		if err != nil || again.Name != a.Name || again.UID != a.UID || again.GID != a.GID || !slices.Equal(again.Groups, a.Groups) {
			t.Fatalf("%q: first %+v, then %+v, %v", asked, a, again, err)
		}
	})
}
