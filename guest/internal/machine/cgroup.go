package machine

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Usage is what the machine's cgroups count; nil is unknown, and of a limit none.
type Usage struct {
	CPUUs                 *uint64
	Processors            float64 // it may use; 0: no limit
	MemoryUsed, MemoryMax *uint64
	PidsUsed, PidsMax     *uint64
	OOMKills              *uint64
}

// CgroupUsage reads the machine's own cgroups, which every driver mounts at /sys/fs/cgroup: version 2, version 1, or for each controller
// whichever it is.
func CgroupUsage(root string) Usage {
	file := func(path ...string) string {
		return string(ReadSmall(root, append([]string{"sys/fs/cgroup"}, path...)...))
	}
	var u Usage
	u.CPUUs, u.Processors = cpuUsage(file)
	u.MemoryUsed, u.MemoryMax, u.OOMKills = memoryUsage(file)
	for _, dir := range []string{"", "pids"} {
		if text := file(dir, "pids.current"); text != "" {
			u.PidsUsed, u.PidsMax = amount(text), limit(file(dir, "pids.max"))
			break
		}
	}
	return u
}

// OOMKills counts the machine's processes that the kernel has killed for want of memory; 0 where it does not say.
func OOMKills(root string) uint64 {
	for _, path := range []string{"memory.events", "memory/memory.oom_control"} {
		if n := keyed(string(ReadSmall(root, "sys/fs/cgroup", path)), "oom_kill"); n != nil {
			return *n
		}
	}
	return 0
}

func cpuUsage(file func(...string) string) (us *uint64, processors float64) {
	if text := file("cpu.stat"); text != "" {
		return keyed(text, "usage_usec"), quota(file("cpu.max"))
	}
	for _, dir := range []string{"cpuacct", "cpu,cpuacct"} {
		if ns := amount(file(dir, "cpuacct.usage")); ns != nil {
			*ns /= 1000
			us = ns
			break
		}
	}
	for _, dir := range []string{"cpu", "cpu,cpuacct"} {
		if text := file(dir, "cpu.cfs_quota_us"); text != "" {
			return us, quota(strings.TrimSpace(text) + " " + file(dir, "cpu.cfs_period_us"))
		}
	}
	return us, 0
}

// memoryUsage counts pages of files that nobody touches as free: the kernel takes them back first.
func memoryUsage(file func(...string) string) (used, most, oomKills *uint64) {
	cache := "inactive_file"
	dir := ""
	text := file("memory.current")
	switch {
	case text != "":
		most, oomKills = limit(file("memory.max")), keyed(file("memory.events"), "oom_kill")
	default:
		dir, cache = "memory", "total_inactive_file"
		text = file(dir, "memory.usage_in_bytes")
		most, oomKills = limit(file(dir, "memory.limit_in_bytes")), keyed(file(dir, "memory.oom_control"), "oom_kill")
	}
	used = amount(text)
	if idle := keyed(file(filepath.Join(dir, "memory.stat")), cache); used != nil && idle != nil {
		*used -= min(*used, *idle)
	}
	return used, most, oomKills
}

// quota reads `quota period` in µs, as in cpu.max, and gives processors; 0 is no limit ("max", or -1 in version 1).
func quota(text string) float64 {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0
	}
	quota, err1 := strconv.ParseInt(fields[0], 10, 64)
	period, err2 := strconv.ParseInt(fields[1], 10, 64)
	if err1 != nil || err2 != nil || quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// amount reads a file of one number.
func amount(text string) *uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// noLimit is more than there is of anything. Version 1's largest number is above it, and what Docker can be told instead of "none" is it.
const noLimit = 1 << 53

// limit is amount, with "max" and such numbers for none.
func limit(text string) *uint64 {
	if n := amount(text); n != nil && *n < noLimit {
		return n
	}
	return nil
}

// keyed finds one number in lines of `key number`.
func keyed(text, key string) *uint64 {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == key {
			return amount(fields[1])
		}
	}
	return nil
}
