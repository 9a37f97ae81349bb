// Command attacker runs in a machine and tries to get out of it by system calls. One line for each attempt: its name, a tab, and what the kernel
// said, or "ALLOWED".
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Numbers that package syscall lacks, the same on every architecture since 2011, or of amd64 alone.
var (
	keyctl, addKey, bpf, perfEventOpen, kexecLoad, openByHandleAt, userfaultfd, processVMRead uintptr
	initModule, finitModule, openTree, fsopen, moveMount, pidfdGetfd, setns, iopl             uintptr
)

func init() {
	openTree, moveMount, fsopen, pidfdGetfd = 428, 429, 430, 438
	switch runtime.GOARCH {
	case "amd64":
		keyctl, addKey, bpf, perfEventOpen, kexecLoad, openByHandleAt = 250, 248, 321, 298, 246, 304
		userfaultfd, processVMRead, initModule, finitModule, setns, iopl = 323, 310, 175, 313, 308, 172
	case "arm64":
		keyctl, addKey, bpf, perfEventOpen, kexecLoad, openByHandleAt = 219, 217, 280, 241, 104, 265
		userfaultfd, processVMRead, initModule, finitModule, setns = 282, 270, 105, 273, 268
	}
}

func call(number uintptr, arguments ...uintptr) error {
	var a [6]uintptr
	copy(a[:], arguments)
	if _, _, errno := syscall.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func text(s string) uintptr {
	bytes := append([]byte(s), 0)
	kept = append(kept, bytes)
	return uintptr(unsafe.Pointer(&bytes[0]))
}

var kept [][]byte

func open(path string, flags int) error {
	fd, err := syscall.Open(path, flags, 0)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return err
}

func namespace(kind string) error {
	fd, err := syscall.Open("/proc/1/ns/"+kind, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return call(setns, uintptr(fd), 0)
}

func socket(domain, kind, protocol int) error {
	fd, err := syscall.Socket(domain, kind, protocol)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return err
}

func dial(network, address string) error {
	connection, err := net.Dial(network, address)
	if err == nil {
		_ = connection.Close()
	}
	return err
}

func main() {
	runtime.LockOSThread()
	buffer := make([]byte, 64)
	vector := [2]uintptr{uintptr(unsafe.Pointer(&buffer[0])), 64}
	attempts := []struct {
		name string
		try  func() error
	}{
		{"ptrace PID 1", func() error { return syscall.PtraceAttach(1) }},
		{"read the memory of PID 1", func() error {
			return call(processVMRead, 1, uintptr(unsafe.Pointer(&vector)), 1, uintptr(unsafe.Pointer(&vector)), 1, 0)
		}},
		{"open the memory of PID 1", func() error { return open("/proc/1/mem", syscall.O_RDWR) }},
		{"open the environment of PID 1", func() error { return open("/proc/1/environ", syscall.O_RDONLY) }},
		{"take a descriptor of PID 1", func() error { return open("/proc/1/fd/0", syscall.O_RDONLY) }},
		{"enter the mount namespace of PID 1", func() error { return namespace("mnt") }},
		{"enter the user namespace of PID 1", func() error { return namespace("user") }},
		{"a new user namespace", func() error { return syscall.Unshare(syscall.CLONE_NEWUSER) }},
		{"a new mount namespace", func() error { return syscall.Unshare(syscall.CLONE_NEWNS) }},
		{"a new network namespace", func() error { return syscall.Unshare(syscall.CLONE_NEWNET) }},
		{"mount proc", func() error { return syscall.Mount("proc", "/mnt", "proc", 0, "") }},
		{"make / writable or private", func() error { return syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "") }},
		{"unmount /proc", func() error { return syscall.Unmount("/proc", syscall.MNT_DETACH) }},
		{"pivot_root", func() error { return syscall.PivotRoot("/tmp", "/tmp") }},
		{"chroot", func() error { return syscall.Chroot("/tmp") }},
		{"open_tree", func() error { return call(openTree, ^uintptr(99), text("/"), 1) }},
		{"fsopen", func() error { return call(fsopen, text("ext4"), 0) }},
		{"a block device", func() error { return syscall.Mknod("/tmp/attack-block", syscall.S_IFBLK|0o600, 254<<8) }},
		{"a character device", func() error { return syscall.Mknod("/tmp/attack-mem", syscall.S_IFCHR|0o600, 1<<8|1) }},
		{"open a file by its handle", func() error {
			handle := [16]byte{8, 0, 0, 0, 1, 0, 0, 0, 2}
			return call(openByHandleAt, ^uintptr(99), uintptr(unsafe.Pointer(&handle)), 0)
		}},
		{"load a module", func() error { return call(initModule, uintptr(unsafe.Pointer(&buffer[0])), 64, text("")) }},
		{"load a module from a file", func() error { return call(finitModule, 0, text(""), 0) }},
		{"kexec", func() error { return call(kexecLoad, 0, 0, 0, 0) }},
		{"reboot", func() error { return syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_ON) }},
		{"bpf", func() error { return call(bpf, 5, uintptr(unsafe.Pointer(&buffer[0])), 64) }},
		{"perf", func() error {
			return call(perfEventOpen, uintptr(unsafe.Pointer(&buffer[0])), 0, ^uintptr(0), ^uintptr(0), 0)
		}},
		{"a key of the kernel's", func() error { return call(addKey, text("user"), text("attack"), text("x"), 1, ^uintptr(2)) }},
		{"the session's keyring", func() error { return call(keyctl, 0, ^uintptr(2), 0) }},
		{"the user's keyring", func() error { return call(keyctl, 0, ^uintptr(3), 0) }},
		{"userfaultfd", func() error { return call(userfaultfd, 0) }},
		{"iopl", func() error {
			if iopl == 0 {
				return syscall.ENOSYS
			}
			return call(iopl, 3)
		}},
		{"set the clock", func() error { return syscall.Settimeofday(&syscall.Timeval{Sec: 1}) }},
		{"the host's name", func() error { return syscall.Sethostname([]byte("attack")) }},
		{"more open files than the limit", func() error {
			return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30})
		}},
		{"a packet socket", func() error { return socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0x300) }},
		{"a raw socket", func() error { return socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP) }},
		{"an immutable file", func() error {
			file, err := os.Create("/tmp/attack-immutable")
			if err != nil {
				return err
			}
			defer file.Close()
			flags := int32(0x10)
			return call(syscall.SYS_IOCTL, file.Fd(), 0x40086602, uintptr(unsafe.Pointer(&flags)))
		}},
		{"the kernel's log", func() error { return call(syscall.SYS_SYSLOG, 3, uintptr(unsafe.Pointer(&buffer[0])), 64) }},
		{"/dev/kmsg", func() error { return open("/dev/kmsg", syscall.O_RDWR) }},
		{"/proc/kcore", func() error {
			file, err := os.Open("/proc/kcore")
			if err != nil {
				return err
			}
			n, err := file.Read(buffer)
			if n == 0 && err == nil || err != nil {
				return syscall.ENODATA
			}
			return nil
		}},
		{"sysrq", func() error { return open("/proc/sysrq-trigger", syscall.O_WRONLY) }},
		{"core_pattern", func() error { return open("/proc/sys/kernel/core_pattern", syscall.O_WRONLY) }},
		{"modprobe", func() error { return open("/proc/sys/kernel/modprobe", syscall.O_WRONLY) }},
		{"uevent_helper", func() error { return open("/sys/kernel/uevent_helper", syscall.O_WRONLY) }},
		{"the cgroup's processes", func() error { return open("/sys/fs/cgroup/cgroup.procs", syscall.O_WRONLY) }},
		{"the cgroup's limit of memory", func() error { return open("/sys/fs/cgroup/memory/memory.limit_in_bytes", syscall.O_WRONLY) }},
		{"the engine's socket", func() error { return dial("unix", "/var/run/docker.sock") }},
		{"a metadata address", func() error { return dial("tcp", "169.254.169.254:80") }},
	}
	for _, path := range os.Args[1:] {
		network, address := "tcp", path
		if path[0] == '@' {
			network = "unix"
		}
		attempts = append(attempts, struct {
			name string
			try  func() error
		}{"the host's " + path, func() error { return dial(network, address) }})
	}
	for _, attempt := range attempts {
		said := "ALLOWED"
		if err := attempt.try(); err != nil {
			said = err.Error()
		}
		fmt.Printf("%s\t%s\n", attempt.name, said)
	}
}
