package boot

import (
	"os"
	"strconv"
	"syscall"
)

// closeInherited closes every descriptor from first on that came with the exec. Whoever starts us may have left some open: the guest could
// climb out through a directory of the host's, and the supervisor would hold the end of somebody's pipe for as long as the machine
// lives. What our own runtime has opened is marked close-on-exec, which nothing that came through an exec can be.
func closeInherited(first int) error {
	directory, err := os.Open("/proc/self/fd")
	if err != nil {
		return err
	}
	defer directory.Close()
	names, err := directory.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd < first {
			continue
		}
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			_ = syscall.Close(fd)
		}
	}
	return nil
}
