package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hierarchy is a mounted cgroup tree and the controllers of ours that it has.
type hierarchy struct {
	// Base is the directory our group is made in.
	Base        string
	Unified     bool
	Controllers []string
}

var controllers = []string{"cpu", "memory", "pids"}

// groupID names a machine's group: two state directories may have machines of the same name.
func groupID(directory string) string {
	sum := sha256.Sum256([]byte(directory))
	return filepath.Base(directory) + "-" + hex.EncodeToString(sum[:4])
}

// findHierarchies reads /proc/self/mountinfo. A controller is in a version 1 tree or in the unified one, never in both, and
// unified is what the unified tree's cgroup.controllers says.
func findHierarchies(mountinfo string, unified func(mountpoint string) []string) []hierarchy {
	var found []hierarchy
	taken := map[string]bool{}
	add := func(h hierarchy, offered []string) {
		for _, c := range controllers {
			if slices.Contains(offered, c) && !taken[c] {
				taken[c] = true
				h.Controllers = append(h.Controllers, c)
			}
		}
		if len(h.Controllers) > 0 {
			found = append(found, h)
		}
	}
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 {
			continue
		}
		switch right[0] {
		case "cgroup":
			add(hierarchy{Base: left[4]}, strings.Split(right[2], ","))
		case "cgroup2":
			add(hierarchy{Base: left[4], Unified: true}, unified(left[4]))
		}
	}
	return found
}

func unifiedControllers(directory string) []string {
	data, _ := os.ReadFile(filepath.Join(directory, "cgroup.controllers"))
	return strings.Fields(string(data))
}

// delegatedBase is the nearest group above ours that an ordinary user may make groups in: systemd delegates user@UID.service,
// and a group that holds processes itself can not hand controllers on (cgroups(7), "no internal processes").
func delegatedBase(mountpoint, self string, usable func(directory string) bool) string {
	path := "/"
	for line := range strings.Lines(self) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			path = rest
		}
	}
	for ; path != "/" && path != "."; path = filepath.Dir(path) {
		if directory := filepath.Join(mountpoint, path); usable(directory) {
			return directory
		}
	}
	return ""
}

func delegated(directory string) bool {
	const writable = 2 // W_OK
	procs, err := os.ReadFile(filepath.Join(directory, "cgroup.procs"))
	return err == nil && len(procs) == 0 && syscall.Access(directory, writable) == nil &&
		syscall.Access(filepath.Join(directory, "cgroup.procs"), writable) == nil
}

func hostHierarchies() []hierarchy {
	mountinfo, _ := os.ReadFile("/proc/self/mountinfo")
	self, _ := os.ReadFile("/proc/self/cgroup")
	found := findHierarchies(string(mountinfo), unifiedControllers)
	if os.Geteuid() == 0 {
		return found
	}
	return slices.DeleteFunc(found, func(h hierarchy) bool { return !h.Unified || delegatedBase(h.Base, string(self), delegated) == "" })
}

// group is one machine's cgroup in one tree.
type group struct {
	Directory   string   `json:"directory"`
	Unified     bool     `json:"unified"`
	Controllers []string `json:"controllers"`
}

// makeGroups makes the machine's cgroups and sets the limits. It tells which limits hold, and why others do not.
func makeGroups(spec *Spec) (groups []group, limited map[string]bool, why string) {
	limited = map[string]bool{}
	var reasons []string
	for _, h := range machineHierarchies() {
		g, err := h.make(groupID(spec.Directory))
		if err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		groups = append(groups, g)
		for _, c := range g.Controllers {
			if err := g.limit(c, spec); err != nil {
				reasons = append(reasons, err.Error())
			} else {
				limited[c] = true
			}
		}
	}
	if len(reasons) == 0 {
		reasons = []string{"no cgroup that this user may write has it"}
	}
	return groups, limited, strings.Join(reasons, "; ")
}

// notLimited tells what was asked for and does not hold.
func notLimited(spec *Spec, limited map[string]bool, why string) (warnings []string) {
	for _, want := range []struct {
		controller, text string
		asked            bool
	}{
		{"cpu", fmt.Sprintf("the limit of %g CPUs", spec.CPUs), spec.CPUs > 0},
		{"memory", fmt.Sprintf("the limit of %d bytes of memory", spec.MemoryBytes), spec.MemoryBytes > 0},
		{"pids", fmt.Sprintf("the limit of %d processes", spec.PIDs), spec.PIDs > 0},
	} {
		if want.asked && !limited[want.controller] {
			warnings = append(warnings, fmt.Sprintf("%s is not applied: %s", want.text, why))
		}
	}
	return warnings
}

// machineHierarchies is hostHierarchies with the base moved to what was delegated to an ordinary user.
func machineHierarchies() []hierarchy {
	found := hostHierarchies()
	if os.Geteuid() == 0 {
		return found
	}
	self, _ := os.ReadFile("/proc/self/cgroup")
	for i, h := range found {
		found[i].Base = delegatedBase(h.Base, string(self), delegated)
	}
	return found
}

func (h hierarchy) make(id string) (group, error) {
	parent := filepath.Join(h.Base, "lms-computer")
	g := group{Directory: filepath.Join(parent, id), Unified: h.Unified, Controllers: h.Controllers}
	var err error
	// Again when the last machine elsewhere took the empty parent away between the two steps.
	for range 5 {
		if err = os.Mkdir(parent, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return g, err
		}
		if h.Unified {
			for _, c := range h.Controllers {
				_ = write(filepath.Join(h.Base, "cgroup.subtree_control"), "+"+c)
				_ = write(filepath.Join(parent, "cgroup.subtree_control"), "+"+c)
			}
		}
		if err = os.Mkdir(g.Directory, 0o755); err == nil || !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return g, err
	}
	if h.Unified {
		enabled := unifiedControllers(g.Directory)
		g.Controllers = slices.DeleteFunc(slices.Clone(h.Controllers), func(c string) bool { return !slices.Contains(enabled, c) })
	}
	return g, nil
}

func (g group) limit(controller string, spec *Spec) error {
	number := func(n int64) string {
		switch {
		case n > 0:
			return strconv.FormatInt(n, 10)
		case g.Unified || controller == "pids":
			return "max"
		}
		return "-1"
	}
	const periodUs = 100_000
	quota := number(int64(spec.CPUs * periodUs))
	switch {
	case controller == "pids":
		return g.set("pids.max", number(spec.PIDs))
	case controller == "cpu" && g.Unified:
		return g.set("cpu.max", fmt.Sprintf("%s %d", quota, periodUs))
	case controller == "cpu":
		return errors.Join(g.set("cpu.cfs_period_us", strconv.Itoa(periodUs)), g.set("cpu.cfs_quota_us", quota))
	case g.Unified:
		_ = g.set("memory.swap.max", map[bool]string{true: "0", false: "max"}[spec.MemoryBytes > 0]) // absent without swap
		return g.set("memory.max", number(spec.MemoryBytes))
	}
	// Memory and swap together must never be below memory alone: lift the one, set the other, then bring the one down.
	_ = g.set("memory.memsw.limit_in_bytes", "-1") // absent without swap accounting
	err := g.set("memory.limit_in_bytes", number(spec.MemoryBytes))
	_ = g.set("memory.memsw.limit_in_bytes", number(spec.MemoryBytes))
	return err
}

func (g group) set(file, value string) error { return write(filepath.Join(g.Directory, file), value) }

// door opens the file through which a process joins; a process born in the group needs none. Version 1 lets one thread move
// itself without the lock that stops every fork and exit on the host, which takes some 10 ms (cgroup_procs_write_start in
// kernel/cgroup/cgroup.c): the thread that will exec is the only one that stays, so it is enough.
func (g group) door() (*os.File, error) {
	if g.Unified {
		return nil, nil
	}
	return os.OpenFile(filepath.Join(g.Directory, "tasks"), os.O_WRONLY, 0)
}

// removeGroups removes what makeGroups made for a machine directory, also after a crash. The kernel may still be letting go
// of the last process, so it tries for a while.
func removeGroups(directory string) {
	for _, h := range machineHierarchies() {
		parent := filepath.Join(h.Base, "lms-computer")
		for range 100 {
			err := syscall.Rmdir(filepath.Join(parent, groupID(directory)))
			if !errors.Is(err, syscall.EBUSY) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = syscall.Rmdir(parent) // only when it was the last
	}
}

func write(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(text)
	return err
}
