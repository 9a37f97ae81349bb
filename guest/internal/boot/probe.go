package boot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ability is what a probe answers.
type ability struct {
	Usable         bool   `json:"usable"`
	Reason         string `json:"reason,omitempty"`
	Hint           string `json:"hint,omitempty"`
	Kernel         string `json:"kernel"`
	Rootless       bool   `json:"rootless"`
	WritableSystem bool   `json:"writableSystem"`
	LimitCPUs      bool   `json:"limitCpus"`
	LimitMemory    bool   `json:"limitMemory"`
	LimitPIDs      bool   `json:"limitPids"`
}

// probe finds out by doing: it enters the same namespaces and mounts the same kinds of file systems as a machine would, in a
// directory of its own below the given one.
func probe(in io.Reader, out io.Writer) error {
	var target struct {
		Directory string `json:"directory"`
	}
	if err := readJSON(in, &target); err != nil {
		return err
	}
	result := ability{Kernel: kernelRelease(), Rootless: os.Geteuid() != 0}
	overlays, err := tryMounts(target.Directory, result.Rootless)
	if err != nil {
		failure := asFailure(err)
		result.Reason, result.Hint = failure.Message, failure.Hint
		reply(out, result)
		return nil
	}
	limits := usableControllers()
	result.Usable = true
	result.WritableSystem = overlays && !result.Rootless
	result.LimitCPUs, result.LimitMemory = slices.Contains(limits, "cpu"), slices.Contains(limits, "memory")
	result.LimitPIDs = slices.Contains(limits, "pids") || result.Rootless && countsProcessesPerNamespace()
	reply(out, result)
	return nil
}

func tryMounts(state string, rootless bool) (overlays bool, err error) {
	directory, err := os.MkdirTemp(state, ".probe-")
	if err != nil {
		return false, failf("permission_denied", "no directory can be made in %s: %s", state, err).
			hint("Set LMS_COMPUTER_STATE_DIR to a directory that this user may write.")
	}
	defer func() { _ = removeTree(state, filepath.Base(directory)) }()
	child := clone(rootless, "probe-inside")
	trial, err := json.Marshal(mountTrial{directory, rootless})
	if err != nil {
		return false, err
	}
	child.Stdin = bytes.NewReader(trial)
	data, err := child.Output()
	if child.ProcessState == nil {
		return false, refusal(err)
	}
	var said struct {
		Overlay bool   `json:"overlay"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(data, &said) != nil {
		return false, refusal(fmt.Errorf("the trial ended without a word: %w", err))
	}
	if said.Error != "" {
		return false, refusal(fmt.Errorf("%s", said.Error))
	}
	return said.Overlay, nil
}

type mountTrial struct {
	Directory string `json:"directory"`
	Rootless  bool   `json:"rootless"`
}

func probeInside(in io.Reader, out io.Writer) error {
	var trial mountTrial
	err := readJSON(in, &trial)
	if err == nil {
		err = mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	}
	if err == nil {
		err = os.Chdir(trial.Directory)
	}
	if err == nil {
		err = fresh("mnt", "tmpfs", quiet, "")
	}
	if err == nil {
		err = fresh("mnt/proc", "proc", inert, "")
	}
	if err != nil {
		reply(out, map[string]any{"error": err.Error()})
		return nil
	}
	err = os.Mkdir("mnt/usr", 0o755)
	if err == nil {
		err = overlay("usr", []string{"/usr"}, "mnt/usr", trial.Rootless)
	}
	reply(out, map[string]any{"overlay": err == nil})
	return nil
}

// usableControllers makes a group and removes it again.
func usableControllers() (usable []string) {
	directory := filepath.Join("/", fmt.Sprintf("probe-%d", os.Getpid()))
	defer removeGroups(directory)
	for _, h := range machineHierarchies() {
		if g, err := h.make(groupID(directory)); err == nil {
			usable = append(usable, g.Controllers...)
		}
	}
	return usable
}

// refusal turns the kernel's short word into what is the matter here and what can be done.
func refusal(err error) *Failure {
	return explain(err, os.Geteuid() == 0, func(name string) string {
		data, _ := os.ReadFile("/proc/sys/" + name)
		return strings.TrimSpace(string(data))
	})
}

func explain(err error, root bool, sysctl func(name string) string) *Failure {
	if root {
		return failf("driver_unavailable", "root may not make namespaces here: %s", err).
			hint("Inside a container this needs CAP_SYS_ADMIN and a seccomp profile that allows unshare and mount.")
	}
	for _, s := range []struct{ name, refuses, allows, who string }{
		{"kernel/apparmor_restrict_unprivileged_userns", "1", "0", "AppArmor restricts user namespaces of ordinary users"},
		{"user/max_user_namespaces", "0", "10000", "user namespaces are switched off"},
		{"kernel/unprivileged_userns_clone", "0", "1", "ordinary users may not make user namespaces"},
	} {
		if sysctl(s.name) == s.refuses {
			dotted := strings.ReplaceAll(s.name, "/", ".")
			return failf("driver_unavailable", "%s (%s is %s): %s", s.who, dotted, s.refuses, err).
				hint(fmt.Sprintf("Run `sudo sysctl %s=%s`, or run as root, or use Docker or Podman.", dotted, s.allows))
		}
	}
	return failf("driver_unavailable", "an ordinary user may not make namespaces here: %s", err).
		hint("Inside a container its seccomp profile may forbid it. Run as root, or use Docker or Podman.")
}

func kernelRelease() string {
	data, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(data))
}

// countsProcessesPerNamespace: since Linux 5.14 RLIMIT_NPROC counts per user namespace; before, it would count all of the
// user's processes and the machine might not even start.
func countsProcessesPerNamespace() bool { return atLeastRelease(kernelRelease(), 5, 14) }

func atLeastRelease(release string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}
