package system

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/machine"
	"lms-computer/guest/internal/process"
)

const (
	// maxProcesses is more than any limit on them that is in use; the list says when it is cut.
	maxProcesses = 4096
	// maxEnvironBytes is how far into a process's environment its marker is looked for. The agent puts it first.
	maxEnvironBytes = 128 << 10
)

type entry struct {
	Pid       int    `json:"pid"`
	Parent    int    `json:"ppid"`
	User      string `json:"user"`
	UID       uint32 `json:"uid"`
	State     string `json:"state"`
	StartedAt int64  `json:"startedAt"` // Unix ms
	CPUMs     uint64 `json:"cpuMs"`
	RSSBytes  int64  `json:"rssBytes"`
	Threads   int    `json:"threads"`
	Name      string `json:"name"`
	Command   string `json:"command"`
	CommandID string `json:"commandId,omitempty"`
	Internal  bool   `json:"internal"`
}

type processes struct {
	Processes []entry `json:"processes"`
	Truncated bool    `json:"truncated"`
}

// listProcesses reads every process anew, oldest pid first.
func listProcesses(root string) processes {
	list := processes{Processes: []entry{}}
	pids, more := pidsOf(root)
	list.Truncated = more
	names := users(machine.Read(1<<20, root, "etc/passwd"))
	now, ticks := time.Now().UnixMilli(), process.BootTicks()
	for _, pid := range pids {
		dir := strconv.Itoa(pid)
		is, ok := process.ParseStat(machine.ReadSmall(root, "proc", dir, "stat"))
		if !ok { // gone
			continue
		}
		uid, _ := parseUID(machine.ReadSmall(root, "proc", dir, "status"))
		user, known := names[uid]
		if !known {
			user = strconv.FormatUint(uint64(uid), 10)
		}
		name := clean(is.Name, maxNameBytes)
		cmdline := machine.Read(maxCommandBytes+1, root, "proc", dir, "cmdline")
		command := commandLine(cmdline)
		if command == "" { // a zombie, or a thread of the kernel
			command = "[" + name + "]"
		}
		list.Processes = append(list.Processes, entry{
			Pid: is.Pid, Parent: is.Parent, User: user, UID: uid, State: stateName(is.State),
			StartedAt: now - (int64(ticks)-int64(is.Start))*process.TickMs,
			CPUMs:     is.OwnTicks * process.TickMs, RSSBytes: is.RSSPages * int64(os.Getpagesize()), Threads: is.Threads,
			Name: name, Command: command, CommandID: commandOf(root, dir), Internal: isInternal(root, is, cmdline),
		})
	}
	return list
}

// pidsOf lists /proc in its own order, by pid.
func pidsOf(root string) (pids []int, more bool) {
	proc, err := os.Open(filepath.Join(root, "proc"))
	if err != nil {
		return nil, false
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
			if len(pids) == maxProcesses {
				return pids, true
			}
			pids = append(pids, pid)
		}
	}
	return pids, false
}

var markerPattern = regexp.MustCompile(`^[A-Za-z0-9]{1,32}\.([A-Za-z0-9_-]{1,32})$`)

// commandOf is the id of the command that started a process, by its marker. A program can leave it out or forge it: it is for people.
func commandOf(root, dir string) string {
	environ := machine.Read(maxEnvironBytes, root, "proc", dir, "environ")
	if environ == nil { // another user's: only its own may look (ptrace(2))
		_ = account.As(func() error { environ = machine.Read(maxEnvironBytes, root, "proc", dir, "environ"); return nil })
	}
	return parseMarker(environ)
}

func parseMarker(environ []byte) string {
	key := []byte(process.Marker + "=")
	for len(environ) > 0 {
		one, rest, _ := bytes.Cut(environ, []byte{0})
		if value, ok := bytes.CutPrefix(one, key); ok {
			if match := markerPattern.FindSubmatch(value); match != nil {
				return string(match[1])
			}
			return ""
		}
		environ = rest
	}
	return ""
}

var ownProgram = sync.OnceValue(func() os.FileInfo {
	info, _ := os.Stat("/proc/self/exe")
	return info
})

// isInternal tells the agent and its own connections: they run its program. A session's shell is not one, it is the caller's, and so is
// what has yet to turn into one (process.Become).
func isInternal(root string, is process.Stat, cmdline []byte) bool {
	if is.Pid == os.Getpid() {
		return true
	}
	_, after, _ := bytes.Cut(cmdline, []byte{0})
	if bytes.HasPrefix(after, []byte("become\x00")) {
		return false
	}
	its, err := os.Stat(filepath.Join(root, "proc", strconv.Itoa(is.Pid), "exe"))
	own := ownProgram()
	return err == nil && own != nil && os.SameFile(own, its)
}
