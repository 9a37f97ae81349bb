package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// folders shows what of the host is shared with the guest. What the guest may write elsewhere on the host can hold the folder that is asked
// for here: its path must not lead anywhere else than when it was asked for, so no symlink is followed on the way.
func (b *builder) folders() error {
	for i, folder := range b.plan.Spec.Folders {
		if err := b.folder(i, folder); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) folder(i int, f Folder) error {
	source, err := openWithoutSymlinks(f.HostPath)
	if err != nil {
		return failf("invalid_argument", "expected the shared folder %s to be a directory whose path has no symlink: %s", f.HostPath, err).
			hint("Make the folder again, or share another one.")
	}
	defer syscall.Close(source)
	made := filepath.Join(buildMount, "folder", strconv.Itoa(i))
	if err := os.MkdirAll(made, 0o755); err != nil {
		return err
	}
	if err := mount(fmt.Sprintf("/proc/self/fd/%d", source), made, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	if err := restrictAll(made, f.ReadOnly); err != nil {
		return err
	}
	return b.root.place(made, f.GuestPath[1:])
}

// restrictAll is restrict for what is mounted below, too (mount_setattr(2), since Linux 5.12): read-only is to mean all of the folder.
func restrictAll(path string, readOnly bool) error {
	const (
		sysMountSetattr = 442 // the same on every architecture
		atRecursive     = 0x8000
		attrReadOnly    = 0x1
		attrNoSuid      = 0x2
		attrNoDev       = 0x4
	)
	attributes := struct{ set, clear, propagation, userns uint64 }{set: attrNoSuid | attrNoDev}
	flags := uintptr(quiet)
	if readOnly {
		attributes.set |= attrReadOnly
		flags |= syscall.MS_RDONLY
	}
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	cwd := atFDCWD
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(cwd), uintptr(unsafe.Pointer(name)), atRecursive,
		uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	switch errno {
	case 0:
		return nil
	case syscall.ENOSYS:
		return restrictEach(path, flags)
	}
	return os.NewSyscallError("mount_setattr", errno)
}

// restrictEach is for kernels before 5.12: one mount after the other, by the names that the kernel lists.
func restrictEach(path string, flags uintptr) error {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return err
	}
	points := mountPoints(string(mounts))
	if !slices.Contains(points, path) {
		return failf("machine_failed", "expected the kernel to list the mount of %s", path)
	}
	for _, point := range points {
		if point != path && !strings.HasPrefix(point, path+"/") {
			continue
		}
		// What another one covers can be without a name, and nobody reaches it.
		if err := restrict(point, flags); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

// mountPoints reads proc_pid_mountinfo(5).
func mountPoints(mountinfo string) (points []string) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(mountinfo) {
		if fields := strings.Fields(line); len(fields) > 4 {
			points = append(points, unescape.Replace(fields[4]))
		}
	}
	return points
}

const atFDCWD = -100

// openWithoutSymlinks opens a directory for nothing but its place (openat2(2), since Linux 5.6).
func openWithoutSymlinks(path string) (int, error) {
	const (
		sysOpenat2        = 437 // the same on every architecture
		resolveNoSymlinks = 0x04
		oPath             = 0x200000
	)
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	how := struct{ flags, mode, resolve uint64 }{flags: oPath | syscall.O_DIRECTORY | syscall.O_CLOEXEC, resolve: resolveNoSymlinks}
	cwd := atFDCWD
	fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(cwd), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
	if errno == syscall.ENOSYS {
		return openStepByStep(path)
	}
	if errno != 0 {
		return -1, os.NewSyscallError("open", errno)
	}
	return int(fd), nil
}

// openStepByStep is for kernels before 5.6.
func openStepByStep(path string) (int, error) {
	const oPath = 0x200000
	at, err := syscall.Open("/", oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for _, name := range strings.Split(path[1:], "/") {
		next, err := syscall.Openat(at, name, oPath|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
		syscall.Close(at)
		if err != nil {
			return -1, os.NewSyscallError("open "+name, err)
		}
		at = next
	}
	return at, nil
}
