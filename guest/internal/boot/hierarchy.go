package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// hierarchy is a mounted cgroup tree and the controllers of ours that it has.
type hierarchy struct {
	// Base is the directory our group is made in.
	Base        string
	Unified     bool
	Controllers []string
}

var controllers = []string{"cpu", "memory", "pids", "freezer"}

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
			path = filepath.Join("/", rest) // a group outside of this cgroup namespace is "/../…": that leads nowhere in the tree
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

// machineHierarchies is where this user may make groups. For root that is the top of each tree: below our own group a machine
// would end with the session or service that happened to start it.
func machineHierarchies() []hierarchy {
	mountinfo, _ := os.ReadFile("/proc/self/mountinfo")
	found := findHierarchies(string(mountinfo), unifiedControllers)
	if os.Geteuid() == 0 {
		return found
	}
	self, _ := os.ReadFile("/proc/self/cgroup")
	var ours []hierarchy
	for _, h := range found {
		if base := delegatedBase(h.Base, string(self), delegated); h.Unified && base != "" {
			h.Base = base
			ours = append(ours, h)
		}
	}
	return ours
}
