package system

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var states = map[byte]string{
	'R': "running", 'S': "sleeping", 'D': "waiting", 'T': "stopped", 't': "stopped", 'Z': "zombie", 'X': "dead", 'x': "dead", 'I': "idle",
}

func stateName(state byte) string {
	if name, ok := states[state]; ok {
		return name
	}
	return "sleeping"
}

// parseUID reads the effective user of proc_pid_status(5).
func parseUID(status []byte) (uint32, bool) {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("Uid:")); ok {
			fields := bytes.Fields(rest)
			if len(fields) < 2 {
				return 0, false
			}
			n, err := strconv.ParseUint(string(fields[1]), 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}

// parseTgid tells a process from a thread of one: the ids of threads are in /proc too, though not listed.
func parseTgid(status []byte) int {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("Tgid:")); ok {
			n, _ := strconv.Atoi(string(bytes.TrimSpace(rest)))
			return n
		}
	}
	return 0
}

// users maps ids to names as /etc/passwd has them; the first of an id wins, as for the C library.
func users(passwd []byte) map[uint32]string {
	names := map[uint32]string{}
	for line := range strings.Lines(string(passwd)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) < 3 {
			continue
		}
		uid, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			continue
		}
		if _, taken := names[uint32(uid)]; !taken {
			names[uint32(uid)] = clean(fields[0], maxNameBytes)
		}
	}
	return names
}

const (
	maxNameBytes    = 64
	maxCommandBytes = 1024
)

// commandLine makes one line of /proc/PID/cmdline, whose arguments end in NUL and which the process may have overwritten.
func commandLine(cmdline []byte) string {
	return clean(strings.ReplaceAll(string(bytes.TrimRight(cmdline, "\x00")), "\x00", " "), maxCommandBytes)
}

// clean makes text of a program's choice fit for a list: valid, printable, on one line, at most limit bytes and an ellipsis.
func clean(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
