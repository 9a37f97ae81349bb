// Package info answers what the machine is.
package info

import (
	"math"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/machine"
	"lms-computer/guest/internal/wire"
)

type answer struct {
	OS        string `json:"os"`
	OSID      string `json:"osId"`
	OSVersion string `json:"osVersion"`
	Kernel    string `json:"kernel"`
	Arch      string `json:"arch"`
	Hostname  string `json:"hostname"`
	User      string `json:"user"`
	UID       int    `json:"uid"`
	Home      string `json:"home"`
	Cwd       string `json:"cwd"`
	Shell     string `json:"shell"`
	UptimeMs  int64  `json:"uptimeMs"`
	CPUs      int    `json:"cpus"`
	Memory    memory `json:"memory"`
	Disk      disk   `json:"disk"`
}

type disk struct {
	TotalBytes uint64 `json:"totalBytes"`
	FreeBytes  uint64 `json:"freeBytes"`
}

// Register adds the route to mux. home is the computer's home and default working directory, shell what sessions run.
func Register(mux *http.ServeMux, home, shell string) {
	mux.HandleFunc("GET /v1/info", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) {
		return gather("/", home, shell), nil
	}))
}

// gather reads everything anew; what cannot be read stays empty or 0. root is / but in tests.
func gather(root, home, shell string) answer {
	release := osRelease(root)
	hostname, _ := os.Hostname()
	usage, on := machine.CgroupUsage(root), machine.DiskOf(home)
	return answer{
		OS: release.name, OSID: release.id, OSVersion: release.version,
		Kernel: kernelRelease(), Arch: runtime.GOARCH, Hostname: hostname,
		User: userName(), UID: userID(), Home: home, Cwd: home, Shell: shell,
		UptimeMs: time.Since(machine.Started).Milliseconds(),
		CPUs:     cpusOf(usage), Memory: memoryOf(root, usage), Disk: disk{on.TotalBytes, on.FreeBytes},
	}
}

// userID is whom the machine works for; the agent itself may be another.
func userID() int {
	if is := account.Current(); !is.Root() {
		return int(is.UID)
	}
	return os.Getuid()
}

// userName asks no file: what root in the guest may have put in the place of /etc/passwd is not to be waited for.
func userName() string {
	if is := account.Current(); !is.Root() {
		return is.Name
	}
	if os.Getuid() == 0 {
		return "root"
	}
	return strconv.Itoa(os.Getuid())
}

func kernelRelease() string {
	var name syscall.Utsname
	if syscall.Uname(&name) != nil {
		return ""
	}
	text := make([]byte, 0, len(name.Release))
	for _, c := range name.Release {
		if c == 0 {
			break
		}
		text = append(text, byte(c))
	}
	return string(text)
}

// cpusOf is how many CPUs the machine may use, a part of one counted as one.
func cpusOf(usage machine.Usage) int {
	if usage.Processors == 0 {
		return runtime.NumCPU()
	}
	return int(min(math.Ceil(usage.Processors), float64(runtime.NumCPU())))
}
