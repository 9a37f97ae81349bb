// Package info answers what the machine is.
package info

import (
	"net/http"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"lms-computer/guest/internal/account"
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

// started is when the machine did: the agent is its first process, while /proc/uptime is the host's.
var started = time.Now()

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
	return answer{
		OS: release.name, OSID: release.id, OSVersion: release.version,
		Kernel: kernelRelease(), Arch: runtime.GOARCH, Hostname: hostname,
		User: userName(), UID: userID(), Home: home, Cwd: home, Shell: shell,
		UptimeMs: time.Since(started).Milliseconds(),
		CPUs:     cpusOf(root), Memory: memoryOf(root), Disk: diskOf(home),
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

// diskOf looks at the file system that home is on, or at the root's while there is no home.
func diskOf(home string) disk {
	var fs syscall.Statfs_t
	if syscall.Statfs(home, &fs) != nil && syscall.Statfs("/", &fs) != nil {
		return disk{}
	}
	unit := uint64(fs.Frsize)
	return disk{TotalBytes: fs.Blocks * unit, FreeBytes: fs.Bavail * unit}
}
