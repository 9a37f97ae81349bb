package info

import (
	"math"
	"strconv"
	"strings"
)

type memory struct {
	TotalBytes     uint64 `json:"totalBytes"`
	AvailableBytes uint64 `json:"availableBytes"`
}

// memoryOf is the kernel's memory, or the machine's share of it where a cgroup gives it less.
func memoryOf(root string) memory {
	is := parseMeminfo(readSmall(root, "proc/meminfo"))
	limit, used := cgroupMemory(root)
	if limit >= is.TotalBytes {
		return is
	}
	return memory{TotalBytes: limit, AvailableBytes: min(is.AvailableBytes, limit-min(used, limit))}
}

// parseMeminfo reads proc_pid_meminfo(5). Kernels before 3.14 have no MemAvailable; what is free stands in.
func parseMeminfo(text string) memory {
	var is memory
	var free uint64
	available := false
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		if err != nil || n > math.MaxUint64/1024 {
			continue
		}
		switch name {
		case "MemTotal":
			is.TotalBytes = n * 1024
		case "MemFree":
			free = n * 1024
		case "MemAvailable":
			is.AvailableBytes, available = n*1024, true
		}
	}
	if !available {
		is.AvailableBytes = free
	}
	is.AvailableBytes = min(is.AvailableBytes, is.TotalBytes)
	return is
}

// noLimit is what a cgroup without a limit has.
const noLimit = math.MaxUint64

// cgroupMemory gives limit and use of the machine's own cgroup, which engines mount at /sys/fs/cgroup, version 2 or 1. Pages
// of files that nobody touches do not count as used: the kernel takes them back first.
func cgroupMemory(root string) (limit, used uint64) {
	base, names, cache := "sys/fs/cgroup/", [2]string{"memory.max", "memory.current"}, "inactive_file"
	text := readSmall(root, base+names[0])
	if text == "" {
		base, names, cache = "sys/fs/cgroup/memory/", [2]string{"memory.limit_in_bytes", "memory.usage_in_bytes"}, "total_inactive_file"
		text = readSmall(root, base+names[0])
	}
	limit = parseAmount(text)
	if limit == noLimit {
		return noLimit, 0
	}
	used = parseAmount(readSmall(root, base+names[1]))
	return limit, used - min(used, parseKeyed(readSmall(root, base+"memory.stat"), cache))
}

// parseAmount reads a cgroup's number; "max", -1 and what is no number are no limit.
func parseAmount(text string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return noLimit
	}
	return n
}

// parseKeyed finds one number in lines of `key number`; 0 if it is not there.
func parseKeyed(text, key string) uint64 {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == key {
			n, _ := strconv.ParseUint(fields[1], 10, 64)
			return n
		}
	}
	return 0
}
