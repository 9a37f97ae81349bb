package system

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"lms-computer/guest/internal/machine"
	"lms-computer/guest/internal/process"
)

type metrics struct {
	At       int64  `json:"at"` // Unix ms
	UptimeMs int64  `json:"uptimeMs"`
	CPU      cpu    `json:"cpu"`
	Memory   memory `json:"memory"`
	Pids     pids   `json:"pids"`
	Disk     disk   `json:"disk"`
	Network  net    `json:"network"`
	// Of the whole kernel: the load average has no notion of a machine.
	Load []float64 `json:"load"`
}

type cpu struct {
	UsedMs     uint64  `json:"usedMs"` // since the machine started
	Processors float64 `json:"processors"`
}

// A limit that is null is none.
type memory struct {
	UsedBytes  uint64  `json:"usedBytes"`
	LimitBytes *uint64 `json:"limitBytes"`
	OOMKills   *uint64 `json:"oomKills"`
}

type pids struct {
	Used  uint64  `json:"used"`
	Limit *uint64 `json:"limit"`
}

type disk struct {
	UsedBytes  uint64 `json:"usedBytes"`
	TotalBytes uint64 `json:"totalBytes"`
	FreeBytes  uint64 `json:"freeBytes"`
	// By the machine itself; null where it is not counted, or not yet.
	WrittenBytes *uint64 `json:"writtenBytes"`
	LimitBytes   *uint64 `json:"limitBytes"`
}

type net struct {
	ReceivedBytes uint64 `json:"receivedBytes"`
	SentBytes     uint64 `json:"sentBytes"`
}

// measure reads everything anew; what no cgroup counts is added up from the processes.
func measure(root, home string) metrics {
	u, on := machine.CgroupUsage(root), machine.DiskOf(home)
	is := metrics{
		At: time.Now().UnixMilli(), UptimeMs: time.Since(machine.Started).Milliseconds(),
		CPU:  cpu{Processors: float64(runtime.NumCPU())},
		Disk: disk{UsedBytes: on.UsedBytes, TotalBytes: on.TotalBytes, FreeBytes: on.FreeBytes}, Network: parseNetwork(string(machine.ReadSmall(root, "proc/net/dev"))),
		Load: parseLoad(string(machine.ReadSmall(root, "proc/loadavg"))),
	}
	if u.Processors > 0 {
		is.CPU.Processors = min(is.CPU.Processors, u.Processors)
	}
	if u.CPUUs == nil || u.MemoryUsed == nil || u.PidsUsed == nil {
		addUp(root, &u)
	}
	is.CPU.UsedMs = *u.CPUUs / 1000
	is.Memory = memory{UsedBytes: *u.MemoryUsed, LimitBytes: u.MemoryMax, OOMKills: u.OOMKills}
	is.Pids = pids{Used: *u.PidsUsed, Limit: u.PidsMax}
	return is
}

// addUp fills in from the processes. Memory that they share is counted for each; the time of those that have ended is in their parents'.
func addUp(root string, u *machine.Usage) {
	var ticks, bytes, threads uint64
	listed, _ := pidsOf(root)
	for _, pid := range listed {
		if is, ok := process.ParseStat(machine.ReadSmall(root, "proc", strconv.Itoa(pid), "stat")); ok {
			ticks += is.OwnTicks + is.ChildTicks
			bytes += uint64(is.RSSPages) * uint64(os.Getpagesize())
			threads += uint64(max(is.Threads, 1))
		}
	}
	for _, fill := range []struct {
		at    **uint64
		value uint64
	}{{&u.CPUUs, ticks * process.TickMs * 1000}, {&u.MemoryUsed, bytes}, {&u.PidsUsed, threads}} {
		if *fill.at == nil {
			*fill.at = &fill.value
		}
	}
}

// parseNetwork adds up /proc/net/dev over all devices but the loopback.
func parseNetwork(text string) (sum net) {
	for line := range strings.Lines(text) {
		name, rest, found := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if !found || strings.TrimSpace(name) == "lo" || len(fields) < 16 {
			continue
		}
		received, err1 := strconv.ParseUint(fields[0], 10, 64)
		sent, err2 := strconv.ParseUint(fields[8], 10, 64)
		if err1 == nil && err2 == nil {
			sum.ReceivedBytes += received
			sum.SentBytes += sent
		}
	}
	return sum
}

// parseLoad reads the averages over 1, 5 and 15 minutes of /proc/loadavg; without one they are 0.
func parseLoad(text string) []float64 {
	load := []float64{0, 0, 0}
	for i, field := range strings.Fields(text) {
		if i == len(load) {
			break
		}
		if n, err := strconv.ParseFloat(field, 64); err == nil && n >= 0 && !math.IsInf(n, 0) {
			load[i] = n
		}
	}
	return load
}
