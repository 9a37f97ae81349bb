package info

import (
	"math"
	"strconv"
	"strings"

	"lms-computer/guest/internal/machine"
)

type memory struct {
	TotalBytes     uint64 `json:"totalBytes"`
	AvailableBytes uint64 `json:"availableBytes"`
}

// memoryOf is the kernel's memory, or the machine's share of it where a cgroup gives it less.
func memoryOf(root string, usage machine.Usage) memory {
	is := parseMeminfo(string(machine.ReadSmall(root, "proc/meminfo")))
	if usage.MemoryMax == nil || *usage.MemoryMax >= is.TotalBytes {
		return is
	}
	left := *usage.MemoryMax
	if usage.MemoryUsed != nil {
		left -= min(*usage.MemoryUsed, left)
	}
	return memory{TotalBytes: *usage.MemoryMax, AvailableBytes: min(is.AvailableBytes, left)}
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
