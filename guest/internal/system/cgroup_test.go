package system

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// lay makes a root with these files.
func lay(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		at := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

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
			u := cgroupUsage(lay(t, one.files))
			equal(t, "cpu", u.cpuUs, one.us)
			equal(t, "memory", u.memoryUsed, 100000000)
			equal(t, "memory limit", u.memoryMax, 1<<30)
			equal(t, "kills", u.oomKills, one.kills)
			equal(t, "pids", u.pidsUsed, 17)
			equal(t, "pids limit", u.pidsMax, 512)
			if u.cpuLimit != one.processors {
				t.Errorf("expected %v processors, got %v", one.processors, u.cpuLimit)
			}
		})
	}
}

func TestNoLimits(t *testing.T) {
	u := cgroupUsage(lay(t, map[string]string{
		"sys/fs/cgroup/cpu.stat": "usage_usec 1\n", "sys/fs/cgroup/cpu.max": "max 100000\n",
		"sys/fs/cgroup/memory.current": "1\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/pids.current": "1\n", "sys/fs/cgroup/pids.max": "max\n",
	}))
	if u.cpuLimit != 0 || u.memoryMax != nil || u.pidsMax != nil {
		t.Errorf("expected none, got %+v", u)
	}
	u = cgroupUsage(lay(t, map[string]string{
		"sys/fs/cgroup/cpu,cpuacct/cpuacct.usage": "5000\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes":  "7\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
	}))
	equal(t, "cpu", u.cpuUs, 5)
	if u.cpuLimit != 0 || u.memoryMax != nil {
		t.Errorf("expected none, got %+v", u)
	}
}

func TestWithoutCgroupsTheProcessesAreAddedUp(t *testing.T) {
	root := lay(t, map[string]string{
		"proc/1/stat":   "1 (agent) S 0 1 1 0 -1 4194560 0 0 0 0 10 20 30 40 20 0 8 0 100 1000000 2 0 0 0\n",
		"proc/7/stat":   "7 (a) b) (c) R 1 1 1 0 -1 4194560 0 0 0 0 1 1 0 0 20 0 1 0 200 1000000 3 0 0 0\n",
		"proc/net/dev":  "Inter-| Receive\n face |bytes\n    lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n  eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n",
		"proc/loadavg":  "0.50 1.25 3.00 2/345 678\n",
		"proc/net/tcp":  "",
		"proc/1/status": "",
	})
	is := measure(root, t.TempDir())
	if is.CPU.UsedMs != 1020 || is.Memory.UsedBytes != 5*uint64(os.Getpagesize()) || is.Pids.Used != 9 || is.Pids.Limit != nil {
		t.Errorf("got %+v", is)
	}
	if is.Network != (net{101, 202}) || is.Load[0] != 0.5 || is.Load[1] != 1.25 || is.Load[2] != 3 {
		t.Errorf("got %+v", is)
	}
	if is.Disk.TotalBytes == 0 || is.Disk.UsedBytes > is.Disk.TotalBytes {
		t.Errorf("got %+v", is.Disk)
	}
}

func FuzzCgroups(f *testing.F) {
	f.Add("usage_usec 1\n", "max 100000", "max", "9223372036854771712")
	f.Fuzz(func(t *testing.T, stat, cpu, a, b string) {
		_ = keyed(stat, "usage_usec")
		if n := quota(cpu); n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
			t.Errorf("quota %q: %v", cpu, n)
		}
		if n := limit(a); n != nil && *n > math.MaxInt64 {
			t.Errorf("limit %q: %d", a, *n)
		}
		_ = parseNetwork(b)
		for _, n := range parseLoad(b) {
			if n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
				t.Errorf("load %q: %v", b, n)
			}
		}
	})
}
