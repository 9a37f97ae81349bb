package boot

import (
	"reflect"
	"strings"
	"testing"
)

func TestFindHierarchies(t *testing.T) {
	for name, test := range map[string]struct {
		mountinfo string
		unified   string
		want      []hierarchy
	}{
		"unified alone": {
			"30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n", "cpuset cpu io memory pids",
			[]hierarchy{{"/sys/fs/cgroup", true, []string{"cpu", "memory", "pids"}}},
		},
		"version 1, two controllers in one tree": {
			"31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
				"32 30 0:28 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n" +
				"33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "",
			[]hierarchy{
				{"/sys/fs/cgroup/cpu,cpuacct", false, []string{"cpu"}},
				{"/sys/fs/cgroup/memory", false, []string{"memory"}},
				{"/sys/fs/cgroup/pids", false, []string{"pids"}},
			},
		},
		"hybrid, the unified tree has what is left": {
			"31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "hugetlb pids",
			[]hierarchy{{"/sys/fs/cgroup/memory", false, []string{"memory"}}, {"/sys/fs/cgroup/unified", true, []string{"pids"}}},
		},
		"none":       {"25 1 254:0 / / rw - ext4 /dev/vda rw\n", "", nil},
		"cut short":  {"25 1\n - \n31 30 0:27 / /x rw - cgroup\n", "", nil},
		"named tree": {"31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := findHierarchies(test.mountinfo, func(string) []string { return strings.Fields(test.unified) })
			if !reflect.DeepEqual(got, test.want) {
				t.Fatalf("got %+v, expected %+v", got, test.want)
			}
		})
	}
}

func TestDelegatedBaseIsTheNearestThatMayBeUsed(t *testing.T) {
	const user = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"
	self := "1:name=systemd:/elsewhere\n0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n"
	usable := map[string]bool{user: true, user + "/app.slice": true}
	got := delegatedBase("/sys/fs/cgroup", self, func(directory string) bool { return usable[directory] })
	if got != user+"/app.slice" {
		t.Fatalf("got %q", got)
	}
	if got := delegatedBase("/sys/fs/cgroup", "0::/\n", func(string) bool { return true }); got != "" {
		t.Fatalf("the root of the tree is not delegated, got %q", got)
	}
}

func TestGroupsOfEqualNamesDiffer(t *testing.T) {
	if a, b := groupID("/one/default"), groupID("/two/default"); a == b || !strings.HasPrefix(a, "default-") {
		t.Fatalf("got %q and %q", a, b)
	}
}
