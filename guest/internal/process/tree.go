package process

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
)

// Marker is the environment variable that names the command a process was started by.
const Marker = "LMS_COMMAND"

// Other agents' processes may be in sight: ours are known by this.
var ours = strconv.FormatUint(rand.Uint64(), 36)

// NewMarker is a marker's value that no other agent uses, for what has that id here.
func NewMarker(id string) string { return ours + "." + id }

// Tree is what one command has started: all below its shell since it began, and what carries its marker.
type Tree struct {
	Shell int    // pid of the shell that runs the command
	ID    string // the marker's value
	Since uint64 // BootTicks when it began
	Until uint64 // only what bears the marker if it began later; 0: everything
}

// List reads every process of the machine.
func List() []Stat {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	all := make([]Stat, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		line, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if stat, ok := ParseStat(line); ok {
			all = append(all, stat)
		}
	}
	return all
}

// Members are the living processes of the tree, without its shell.
func (t Tree) Members() []int {
	all := List()
	below := map[int][]Stat{}
	for _, stat := range all {
		below[stat.Parent] = append(below[stat.Parent], stat)
	}
	found := map[int]bool{}
	var include func(pid int)
	include = func(pid int) {
		if found[pid] {
			return
		}
		found[pid] = true
		for _, child := range below[pid] {
			include(child.Pid)
		}
	}
	// Children of the shell from before belong to an earlier command, with all below them. Later ones may too: an orphan of
	// an earlier command's server, say; its marker tells.
	roots := below[t.Shell]
	if !slices.ContainsFunc(all, func(s Stat) bool { return s.Pid == t.Shell }) {
		// Its orphans are PID 1's now, and still of its terminal session, unless they left that themselves.
		roots = slices.DeleteFunc(slices.Clone(all), func(s Stat) bool { return s.Session != t.Shell })
	}
	for _, child := range roots {
		if child.Start < t.Since {
			continue
		}
		if marker := markerOf(child.Pid); marker == t.ID || marker == "" && (t.Until == 0 || child.Start <= t.Until) {
			include(child.Pid)
		}
	}
	members := []int{}
	for _, stat := range all {
		dead := stat.State == 'Z' || stat.State == 'X'
		if dead || stat.Pid == t.Shell || stat.Pid == 1 {
			continue
		}
		if found[stat.Pid] || (stat.Start >= t.Since && markerOf(stat.Pid) == t.ID) {
			members = append(members, stat.Pid)
		}
	}
	return members
}

func markerOf(pid int) string {
	path := "/proc/" + strconv.Itoa(pid) + "/environ"
	environ, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		// Only its own user may look, whatever root is (ptrace(2)).
		err = account.As(func() error { environ, err = os.ReadFile(path); return err })
	}
	if err != nil {
		return ""
	}
	key := []byte(Marker + "=")
	for len(environ) > 0 {
		entry, rest, _ := bytes.Cut(environ, []byte{0})
		if value, ok := bytes.CutPrefix(entry, key); ok {
			return string(value)
		}
		environ = rest
	}
	return ""
}

// Signal sends sig to every member and tells how many there were. CONT goes with it, since a stopped process acts on nothing
// but KILL.
func (t Tree) Signal(sig syscall.Signal) int {
	members := t.Members()
	for _, pid := range members {
		_ = syscall.Kill(pid, sig)
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	return len(members)
}

// Kill ends every member. Each round stops all before it kills, so that a fork bomb can not outrun it.
func (t Tree) Kill() {
	for round := 0; round < 100; round++ {
		stopped := map[int]bool{}
		for pass := 0; pass < 20; pass++ {
			fresh := false
			for _, pid := range t.Members() {
				if !stopped[pid] {
					stopped[pid], fresh = true, true
					_ = syscall.Kill(pid, syscall.SIGSTOP)
				}
			}
			if !fresh {
				break
			}
		}
		if len(stopped) == 0 {
			return
		}
		for pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Duration(min(round+1, 20)) * time.Millisecond)
	}
}

// Gone waits until no member is left, or the time is over. Processes that are not our children send us no event when they end,
// so this looks again, ever more rarely.
func (t Tree) Gone(within time.Duration) bool {
	deadline := time.Now().Add(within)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if len(t.Members()) == 0 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}

// Settle waits, not for long, until what has ended below PID 1 is reaped: before that it counts against the machine's limit.
func Settle() {
	deadline := time.Now().Add(killWait)
	for pause := time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, 50*time.Millisecond) {
		if !slices.ContainsFunc(List(), func(s Stat) bool { return s.Parent == 1 && s.State == 'Z' }) {
			return
		}
		time.Sleep(pause)
	}
}
