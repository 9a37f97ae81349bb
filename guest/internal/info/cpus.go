package info

import (
	"math"
	"runtime"
	"strconv"
	"strings"
)

// cpusOf is how many CPUs the machine may use, a part of one counted as one.
func cpusOf(root string) int {
	quota := parseQuota(readSmall(root, "sys/fs/cgroup/cpu.max"))
	if quota == 0 {
		v1 := "sys/fs/cgroup/cpu/cpu.cfs_"
		quota = parseQuota(strings.TrimSpace(readSmall(root, v1+"quota_us")) + " " + readSmall(root, v1+"period_us"))
	}
	if quota == 0 {
		return runtime.NumCPU()
	}
	return min(runtime.NumCPU(), quota)
}

// parseQuota reads `quota period` in µs, as in cpu.max, and gives whole CPUs, rounded up; 0 is no limit.
func parseQuota(text string) int {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0
	}
	quota, err := strconv.ParseInt(fields[0], 10, 64) // "max", or -1 in version 1, is no limit
	if err != nil || quota <= 0 {
		return 0
	}
	period, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || period <= 0 {
		return 0
	}
	return int(min(math.Ceil(float64(quota)/float64(period)), math.MaxInt32))
}
