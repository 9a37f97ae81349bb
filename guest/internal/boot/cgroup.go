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

// groupID names a machine's group: two state directories may have machines of the same name.
func groupID(directory string) string {
	if kept := keptGroup(directory); kept != "" {
		return kept
	}
	sum := sha256.Sum256([]byte(directory))
	return filepath.Base(directory) + "-" + hex.EncodeToString(sum[:4])
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
	case controller == "freezer":
		return nil // see freeze.go
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
	const both = "memory.memsw.limit_in_bytes"
	before, _ := os.ReadFile(filepath.Join(g.Directory, both))
	_ = g.set(both, "-1") // absent without swap accounting
	if err := g.set("memory.limit_in_bytes", number(spec.MemoryBytes)); err != nil {
		_ = g.set(both, strings.TrimSpace(string(before))) // less than is in use: all stays as it is
		return err
	}
	_ = g.set(both, number(spec.MemoryBytes))
	return nil
}

func (g group) set(file, value string) error { return write(filepath.Join(g.Directory, file), value) }

// door opens the file through which a process joins. Version 1 lets one thread move itself without the lock that stops every
// fork and exit on the host, which takes some 10 ms (cgroup_procs_write_start in kernel/cgroup/cgroup.c): the thread that
// will exec is the only one that stays, so it is enough.
func (g group) door() (*os.File, error) {
	name := "tasks"
	if g.Unified {
		name = "cgroup.procs"
	}
	return os.OpenFile(filepath.Join(g.Directory, name), os.O_WRONLY, 0)
}

// bornIn lets a child begin its life in the group of the unified tree, for the same reason (CLONE_INTO_CGROUP, Linux 5.7).
func bornIn(attributes *syscall.SysProcAttr, groups []group) (*os.File, error) {
	for _, g := range groups {
		if g.Unified && atLeastRelease(kernelRelease(), 5, 7) {
			directory, err := os.Open(g.Directory)
			if err == nil {
				attributes.UseCgroupFD, attributes.CgroupFD = true, int(directory.Fd())
			}
			return directory, err
		}
	}
	return nil, nil
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
