package machine

import (
	"math"
	"strings"
	"testing"

	"lms-computer/guest/internal/lay"
)

// As the kernel wrote them on version 2 alone, in a container of Docker with limits.
var v2 = map[string]string{
	"sys/fs/cgroup/cpu.stat":       "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 10\nnr_throttled 2\nthrottled_usec 99\n",
	"sys/fs/cgroup/cpu.max":        "150000 100000\n",
	"sys/fs/cgroup/memory.current": "104857600\n",
	"sys/fs/cgroup/memory.max":     "1073741824\n",
	"sys/fs/cgroup/memory.stat":    "anon 50000000\nfile 54857600\ninactive_file 4857600\nactive_file 50000000\n",
	"sys/fs/cgroup/memory.events":  "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n",
	"sys/fs/cgroup/pids.current":   "17\n",
	"sys/fs/cgroup/pids.max":       "512\n",
}

// As on version 1, which calls everything otherwise.
var v1 = map[string]string{
	"sys/fs/cgroup/cpuacct/cpuacct.usage":        "1234567890\n",
	"sys/fs/cgroup/cpu/cpu.stat":                 "nr_periods 10\nnr_throttled 2\nthrottled_time 99\n",
	"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         "50000\n",
	"sys/fs/cgroup/cpu/cpu.cfs_period_us":        "100000\n",
	"sys/fs/cgroup/memory/memory.usage_in_bytes": "104857600\n",
	"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
	"sys/fs/cgroup/memory/memory.stat":           "cache 54857600\ninactive_file 1\ntotal_inactive_file 4857600\n",
	"sys/fs/cgroup/memory/memory.oom_control":    "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
	"sys/fs/cgroup/pids/pids.current":            "17\n",
	"sys/fs/cgroup/pids/pids.max":                "512\n",
}

func equal(t *testing.T, what string, got *uint64, want uint64) {
	t.Helper()
	if got == nil || *got != want {
		t.Errorf("%s: expected %d, got %v", what, want, got)
	}
}

func TestCgroups(t *testing.T) {
	for name, one := range map[string]struct {
		files      map[string]string
		us         uint64
		processors float64
		kills      uint64
	}{"v1": {v1, 1234567, 0.5, 3}, "v2": {v2, 1234567, 1.5, 1}} {
		t.Run(name, func(t *testing.T) {
			u := CgroupUsage(lay.Root(t, one.files))
			equal(t, "cpu", u.CPUUs, one.us)
			equal(t, "memory", u.MemoryUsed, 100000000)
			equal(t, "memory limit", u.MemoryMax, 1<<30)
			equal(t, "kills", u.OOMKills, one.kills)
			equal(t, "pids", u.PidsUsed, 17)
			equal(t, "pids limit", u.PidsMax, 512)
			if u.Processors != one.processors {
				t.Errorf("expected %v processors, got %v", one.processors, u.Processors)
			}
		})
	}
}

func TestNoLimits(t *testing.T) {
	u := CgroupUsage(lay.Root(t, map[string]string{
		"sys/fs/cgroup/cpu.stat": "usage_usec 1\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
		"sys/fs/cgroup/memory.current": "1\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/pids.current": "1\n", "sys/fs/cgroup/pids.max": "max\n",
	}))
	if u.Processors != 0 || u.MemoryMax != nil || u.PidsMax != nil {
		t.Errorf("expected none, got %+v", u)
	}
	u = CgroupUsage(lay.Root(t, map[string]string{
		"sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "5000\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes":  "7\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
	}))
	equal(t, "cpu", u.CPUUs, 5)
	if u.Processors != 0 || u.MemoryMax != nil {
		t.Errorf("expected none, got %+v", u)
	}
}

func FuzzCgroups(f *testing.F) {
	for _, text := range []string{"usage_usec 1\n", "max 100000", "max\n", "9223372036854771712", "-1", "200000 100000", "1 -1", "inactive_file x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := keyed(text, "inactive_file"); n != nil && !strings.Contains(text, "inactive_file") {
			t.Errorf("keyed %q: %d", text, *n)
		}
		if n := quota(text); n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
			t.Errorf("quota %q: %v", text, n)
		}
		if n := limit(text); n != nil && (*n > math.MaxInt64 || strings.TrimLeft(strings.TrimSpace(text), "0123456789") != "") {
			t.Errorf("limit %q: %d", text, *n)
		}
	})
}
