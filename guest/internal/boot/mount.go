package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// For file systems that hold no programs to be trusted and no devices. no_new_privs makes setuid inert anyway.
	quiet = syscall.MS_NOSUID | syscall.MS_NODEV
	inert = quiet | syscall.MS_NOEXEC
	// A mount that came from another user namespace can not lose these flags, and a remount has to name them again
	// (mount_namespaces(7)).
	locked = syscall.MS_RDONLY | inert
)

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}

// bind mounts source on target with these flags. A bind takes no flags of its own until it is remounted (mount(2)).
func bind(source, target string, flags uintptr) error {
	if err := mount(source, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	return restrict(target, flags)
}

func restrict(target string, flags uintptr) error {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(target, &stat); err != nil {
		return os.NewSyscallError("statfs", err)
	}
	return mount("", target, "", syscall.MS_REMOUNT|syscall.MS_BIND|flags|uintptr(stat.Flags)&locked, "")
}

// tree is the guest's root directory. The guest wrote to it in earlier runs, so any name in it may be a symlink to anywhere:
// every path goes through os.Root, which resolves step by step and refuses what leads out, and a mount goes onto the
// descriptor that this gave, never onto a path that the kernel would resolve again.
type tree struct{ *os.Root }

// on makes the directory if it is missing and calls f with a path that stands for exactly this directory.
func (t tree) on(name string, f func(target string) error) error {
	if err := t.MkdirAll(name, 0o755); err != nil {
		return fmt.Errorf("make /%s in the machine: %w", name, err)
	}
	directory, err := t.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("open /%s in the machine: %w", name, err)
	}
	defer directory.Close()
	if err := f(fmt.Sprintf("/proc/self/fd/%d", directory.Fd())); err != nil {
		return fmt.Errorf("/%s: %w", name, err)
	}
	return nil
}

// place moves a mount that was built elsewhere to name.
func (t tree) place(source, name string) error {
	return t.on(name, func(target string) error { return mount(source, target, "", syscall.MS_MOVE, "") })
}

// bindAcross is bind for a target that stands for a descriptor. That goes on meaning the directory below the mount, which can
// not be remounted, so the bind is made elsewhere and moved.
func bindAcross(source, target, key string, flags uintptr) error {
	made := filepath.Join(buildMount, "bind", key)
	if err := os.MkdirAll(made, 0o755); err != nil {
		return err
	}
	if err := bind(source, made, flags); err != nil {
		return err
	}
	return mount(made, target, "", syscall.MS_MOVE, "")
}

// overlay mounts layers (topmost first) on target, with changes kept in upper/KEY of the working directory. The relative
// paths have no character that overlayfs gives a meaning to.
func overlay(key string, layers []string, target string, rootless bool) error {
	for _, part := range []string{"upper", "work"} {
		if err := os.MkdirAll(filepath.Join(part, key), 0o755); err != nil {
			return err
		}
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=upper/%s,workdir=work/%s", strings.Join(layers, ":"), key, key)
	if rootless {
		data += ",userxattr"
	}
	return mount("overlay", target, "overlay", quiet, data)
}
