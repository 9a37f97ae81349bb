package boot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// plan is what the supervisor tells the process inside.
type plan struct {
	Spec     Spec    `json:"spec"`
	Agent    string  `json:"agent"`
	Rootless bool    `json:"rootless"`
	Groups   []group `json:"groups"`
	// Born in the unified group, so there is none to join.
	Born bool `json:"born"`
	// Etc is a copy of the host's /etc; empty: it is to be made.
	Etc string `json:"etc"`
	// MaxProcesses becomes RLIMIT_NPROC where no cgroup limits processes; 0 means none.
	MaxProcesses uint64 `json:"maxProcesses"`

	doors []*os.File
}

// namespaces are what every machine has of its own. The cgroup namespace follows once the process is in its group, since its
// root is the group at that moment (cgroup_namespaces(7)).
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET

// launch returns once the child has become `agent init`, which has the listening socket then.
func launch(spec *Spec, listener *net.UnixListener, etc func() *os.File) (child *exec.Cmd, groups []group, warnings []string, err error) {
	defer listener.Close()
	agent, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	socket, err := listener.File()
	if err != nil {
		return nil, nil, nil, err
	}
	defer socket.Close()

	p := plan{Spec: *spec, Agent: agent, Rootless: os.Geteuid() != 0}
	groups, limited, why := makeGroups(spec)
	p.Groups = groups
	if !limited["pids"] && p.Rootless && countsProcessesPerNamespace() {
		p.MaxProcesses, limited["pids"] = uint64(spec.PIDs), true
	}
	// The parent-death signal comes when the thread that made the child ends, not the process.
	runtime.LockOSThread()
	child = clone(p.Rootless, "inside")
	group, err := bornIn(child.SysProcAttr, groups)
	if err != nil {
		return nil, nil, nil, err
	}
	defer group.Close() // of nil too
	p.Born = child.SysProcAttr.UseCgroupFD
	p.Etc = fromDirectory(spec.Directory, etc())
	input, err := json.Marshal(p)
	if err != nil {
		return nil, nil, nil, err
	}
	status, statusWriter, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer status.Close()
	child.Stdin = bytes.NewReader(input)
	child.ExtraFiles = []*os.File{socket, statusWriter} // descriptors 3 and 4
	var complaint strings.Builder
	child.Stderr = &complaint
	if err := child.Start(); err != nil {
		statusWriter.Close()
		return nil, nil, nil, refusal(err)
	}
	statusWriter.Close()
	report, err := readReport(status)
	if err != nil {
		_ = child.Process.Kill()
		_ = child.Wait()
		failure := *asFailure(err)
		if complaint.Len() > 0 {
			failure.Message += fmt.Sprintf(": %.2000s", complaint.String())
		}
		return nil, nil, nil, &failure
	}
	return child, groups, append(notLimited(spec, limited, why), report.Warnings...), nil
}

// fromDirectory is the path of a layer as the machine's directory sees it, which is free of whatever has a meaning to overlayfs; empty: it is not.
func fromDirectory(directory string, layer *os.File) string {
	if layer == nil {
		return ""
	}
	path, err := filepath.Rel(directory, layer.Name())
	if err != nil || strings.ContainsAny(path, ":,\\") {
		return ""
	}
	return path
}

// clone is this program again, in new namespaces. An ordinary user becomes root of a user namespace of one user.
func clone(rootless bool, args ...string) *exec.Cmd {
	attributes := &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true, Pdeathsig: syscall.SIGKILL}
	if rootless {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		attributes.GidMappingsEnableSetgroups = false
	}
	return &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{"agent", "boot"}, args...), Env: []string{}, Dir: "/", SysProcAttr: attributes}
}

// report is what the process inside says: one when all is ready, and one more only if the exec then failed.
type report struct {
	Warnings []string `json:"warnings,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
}

// readReport reads to the end, which comes when the exec closes the descriptor.
func readReport(status io.Reader) (last report, err error) {
	decoder := json.NewDecoder(status)
	err = failf("machine_failed", "the new machine died while it was set up")
	for {
		var next report
		if decoder.Decode(&next) != nil {
			return last, err
		}
		last, err = next, nil
		if next.Failure != nil {
			return next, next.Failure
		}
	}
}

func listen(directory, name string) (*net.UnixListener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(directory, name), Net: "unix"})
}
