package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// devices makes /dev with what a program may count on, and nothing else.
func (b *builder) devices() error {
	dev := filepath.Join(buildMount, "dev")
	if err := fresh(dev, "tmpfs", syscall.MS_NOSUID|syscall.MS_NOEXEC, "mode=0755,size=1m,nr_inodes=1024"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		// Bound, not made: a device made in a user namespace can not be opened, and root keeps no MKNOD either.
		target := filepath.Join(dev, name)
		if err := os.WriteFile(target, nil, 0o666); err != nil {
			return err
		}
		// For reading only: that does not hinder writing to a device, but the host's file has its mode, and root here may be its owner.
		if err := bind("/dev/"+name, target, syscall.MS_NOSUID|syscall.MS_NOEXEC|syscall.MS_RDONLY); err != nil {
			return err
		}
	}
	// ptmxmode, or the ptmx of this instance could not be opened; gid 5 is tty, which one user alone has no number for.
	terminals := "newinstance,ptmxmode=0666,mode=0620"
	if !b.plan.Rootless {
		terminals += ",gid=5"
	}
	if err := fresh(filepath.Join(dev, "pts"), "devpts", syscall.MS_NOSUID|syscall.MS_NOEXEC, terminals); err != nil {
		return err
	}
	if err := fresh(filepath.Join(dev, "shm"), "tmpfs", inert, "mode=1777,"+b.room()); err != nil {
		return err
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return b.root.place(dev, "dev")
}

// What is not divided by namespaces in /proc and /sys: hidden, or for reading only. The lists are those of Docker.
var (
	hiddenInProc   = []string{"acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats"}
	readOnlyInProc = []string{"bus", "fs", "irq", "sys", "sysrq-trigger"}
	hiddenInSys    = []string{"firmware", "devices/virtual/powercap", "kernel/debug", "kernel/tracing", "kernel/security", "fs/bpf"}
)

func (b *builder) processes() error {
	proc := filepath.Join(buildMount, "proc")
	if err := fresh(proc, "proc", inert, ""); err != nil {
		return err
	}
	// Root in the guest has no NET_BIND_SERVICE; the ports of its own network namespace are its own all the same.
	_ = write(filepath.Join(proc, "sys/net/ipv4/ip_unprivileged_port_start"), "0")
	for _, name := range readOnlyInProc {
		path := filepath.Join(proc, name)
		if err := bind(path, path, inert|syscall.MS_RDONLY); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := b.mask(proc, hiddenInProc); err != nil {
		return err
	}
	return b.root.place(proc, "proc")
}

func (b *builder) kernel() error {
	sys := filepath.Join(buildMount, "sys")
	if err := fresh(sys, "sysfs", inert|syscall.MS_RDONLY, ""); err != nil {
		// A user namespace gets one only where the host shows its own whole; without one most programs do well.
		b.warn("/sys is empty: %s", err)
		return nil
	}
	if err := b.mask(sys, hiddenInSys); err != nil {
		return err
	}
	if err := b.limitsToRead(filepath.Join(sys, "fs/cgroup")); err != nil {
		return err
	}
	return b.root.place(sys, "sys")
}

// limitsToRead shows the machine's own groups, so that programs find their limits where they look for them.
func (b *builder) limitsToRead(target string) error {
	if len(b.plan.Groups) == 0 {
		return nil
	}
	if g := b.plan.Groups[0]; g.Unified && len(b.plan.Groups) == 1 {
		return bind(g.Directory, target, inert|syscall.MS_RDONLY)
	}
	if err := mount("tmpfs", target, "tmpfs", inert, "mode=0755,size=64k"); err != nil {
		return err
	}
	for _, g := range b.plan.Groups {
		for _, controller := range g.Controllers {
			path := filepath.Join(target, controller)
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			if err := bind(g.Directory, path, inert|syscall.MS_RDONLY); err != nil {
				return err
			}
		}
	}
	return restrict(target, inert|syscall.MS_RDONLY)
}

func (b *builder) run() error {
	run := filepath.Join(buildMount, "run")
	if err := fresh(run, "tmpfs", quiet, "mode=0755,"+b.room()); err != nil {
		return err
	}
	// The agent's own files apart: with /run full, the command that makes room could not even be written down.
	if err := fresh(filepath.Join(run, "lms"), "tmpfs", quiet, "mode=0711,"+b.room()); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(run, "lock"), 0o1777); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(run, "lock"), 0o777|os.ModeSticky); err != nil {
		return err
	}
	return b.root.place(run, "run")
}

// room bounds a file system in memory. It is the machine's own memory, and what lies there can not be killed when that runs out. 64 MiB is
// what Docker gives /dev/shm.
func (b *builder) room() string {
	size := int64(64 << 20)
	if limit := b.plan.Spec.MemoryBytes; limit > 0 {
		size = min(size, limit/8)
	}
	return fmt.Sprintf("size=%d,nr_inodes=16384", size)
}

// mask covers each name below base that exists: a file with /dev/null, a directory with an empty one.
func (b *builder) mask(base string, names []string) error {
	for _, name := range names {
		path := filepath.Join(base, name)
		info, err := os.Lstat(path)
		switch {
		case err != nil:
			continue
		case info.IsDir():
			err = mount("tmpfs", path, "tmpfs", inert|syscall.MS_RDONLY, "mode=0755,size=4k")
		default:
			err = bind("/dev/null", path, syscall.MS_NOSUID|syscall.MS_NOEXEC|syscall.MS_RDONLY)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fresh makes the directory and mounts a new file system on it.
func fresh(target, kind string, flags uintptr, data string) error {
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	return mount(kind, target, kind, flags, data)
}
