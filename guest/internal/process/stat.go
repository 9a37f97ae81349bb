package process

import (
	"bytes"
	"strconv"
)

// TickMs is a clock tick of /proc in ms: USER_HZ is 100 on every Linux.
const TickMs = 10

// Stat is what is told of /proc/PID/stat, times in ticks.
type Stat struct {
	Pid, Parent, Session int
	State                byte
	Name                 string
	OwnTicks             uint64 // of CPU
	ChildTicks           uint64 // of those it has waited for
	Threads              int
	Start                uint64
	RSSPages             int64
}

// ParseStat reads proc_pid_stat(5). The name in parentheses is the process's own choice and may hold anything, parentheses and newlines too:
// fields are counted from the last one.
func ParseStat(line []byte) (Stat, bool) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 1 || end < open {
		return Stat{}, false
	}
	fields := bytes.Fields(line[end+1:]) // fields[0] is the third of the manual page
	if len(fields) < 22 || len(fields[0]) != 1 || fields[0][0] < 'A' || fields[0][0] > 'z' {
		return Stat{}, false
	}
	failed := false
	number := func(text []byte) int64 {
		n, err := strconv.ParseInt(string(text), 10, 64)
		failed = failed || err != nil
		return n
	}
	ticks := func(at int) uint64 { return uint64(max(number(fields[at]), 0)) }
	is := Stat{
		Pid: int(number(bytes.TrimSpace(line[:open]))), Parent: int(number(fields[1])), Session: int(number(fields[3])), State: fields[0][0],
		Name: string(line[open+1 : end]), OwnTicks: ticks(11) + ticks(12), ChildTicks: ticks(13) + ticks(14),
		Threads: int(number(fields[17])), Start: ticks(19), RSSPages: max(number(fields[21]), 0),
	}
	return is, !failed && is.Pid > 0
}
