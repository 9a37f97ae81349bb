package boot

import (
	"slices"
	"strings"
	"testing"
)

// FuzzHierarchies: a controller is in one tree at most, and groups are looked for in the tree alone.
func FuzzHierarchies(f *testing.F) {
	for _, seed := range []string{
		"30 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n31 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"1 1 0:1 / /sys/fs/cgroup rw shared:1 - cgroup2 cgroup2 rw,nsdelegate\n", " - cgroup2 x rw", "a b c d e - cgroup a memory,memory,pids",
	} {
		f.Add(seed, "cpu memory pids", "0::/user.slice/user-1000.slice/user@1000.service/app\n")
		f.Add(seed, "memory memory", "0::/../..\n0::/../x/y\n")
		f.Add(seed, "", "0::\n0::a/b\n")
	}
	f.Fuzz(func(t *testing.T, mountinfo, offered, self string) {
		taken := map[string]bool{}
		for _, h := range findHierarchies(mountinfo, func(string) []string { return strings.Fields(offered) }) {
			if h.Base == "" || len(h.Controllers) == 0 {
				t.Fatalf("%q: %+v", mountinfo, h)
			}
			for _, c := range h.Controllers {
				if taken[c] || !slices.Contains(controllers, c) {
					t.Fatalf("%q: %+v", mountinfo, h)
				}
				taken[c] = true
			}
		}
		steps := 0
		base := delegatedBase("/tree", self, func(directory string) bool {
			if steps++; !strings.HasPrefix(directory, "/tree/") || steps > len(self)+1 {
				t.Fatalf("%q: looked at %q, %d", self, directory, steps)
			}
			return false
		})
		if base != "" {
			t.Fatalf("%q: %q", self, base)
		}
	})
}

// FuzzReport: what is no report of a machine that is ready is an error, and never a machine.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"warnings":["a"]}`, `{"failure":{"code":"x"}}`, `{} {"failure":{}}`, "{} x", "[]", "null", `{"failure":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last, err := readReport(strings.NewReader(text))
		if err == nil && (last.Failure != nil || !strings.ContainsAny(text, "{l")) { // an object, or null
			t.Fatalf("%q: %+v", text, last)
		}
		if last.Failure != nil && err == nil {
			t.Fatalf("%q: a failure, and no error", text)
		}
	})
}
