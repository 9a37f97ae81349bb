package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// sliceDepth is how many levels of a directory are open at once.
const sliceDepth = 32

// discard deletes name, whatever the guest has made of it: nothing is reached by a path but as the last component in an open directory, and no
// symlink is followed. What lies deep below is moved up first, so that neither the descriptors nor the memory that this takes are the guest's choice:
// os.RemoveAll holds a descriptor for each level, and once there are none left its error has all of the path, written anew at each level.
//
// An ordinary user may have lost the right to empty directories that are his: overlayfs makes work/work with mode 0, and the guest may
// have done so to any of its own. He gets it back on the way.
func discard(root *os.Root, name string) error {
	err := discardAs(root, name)
	if !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
		return err
	}
	// What is read-only can not be given back to him, and only be opened by root of a user namespace of his.
	here, opened := root.Open(".")
	if opened != nil {
		return err
	}
	defer here.Close()
	child := ownersCommand("discard")
	// Where it is, whatever it is called by now.
	child.Dir = at(int(here.Fd()))
	child.Stdin = strings.NewReader(name)
	if child.Run() != nil {
		return err
	}
	return nil
}

// discardHere is `agent boot discard`, of a name in the working directory. It has no locks: who starts it has them.
func discardHere(in io.Reader, out io.Writer) error {
	name, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	defer root.Close()
	if err := discardAs(root, string(name)); err != nil {
		return err
	}
	reply(out, answer{Status: "removed"})
	return nil
}

// discardAs is discard by who this is.
func discardAs(root *os.Root, name string) error {
	err := root.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if info, missing := root.Lstat(name); missing != nil || !info.IsDir() {
		return err
	}
	if os.Geteuid() != 0 {
		_ = root.Chmod(name, 0o700)
	}
	top, err := root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer top.Close()
	d := discarding{outermost: int(top.Fd()), mark: rand.Uint64()}
	var is syscall.Stat_t
	if err := syscall.Fstat(d.outermost, &is); err != nil {
		return err
	}
	makeWritable(d.outermost)
	if err := d.empty(volume{d.outermost, uint64(is.Dev)}, d.outermost, 1); err != nil {
		return err
	}
	return root.Remove(name)
}

// discarding is of one directory. Of btrfs everybody may make subvolumes, to and from which no rename leads, except that of a subvolume itself.
type discarding struct {
	outermost int
	mark      uint64
	lifted    int
}

// volume is a part of the file system within which renames lead.
type volume struct {
	top    int
	device uint64
}

// makeWritable is for a subvolume, which its owner may have made read-only. Others do not know of it.
func makeWritable(directory int) {
	const btrfsSubvolumeSetFlags = 0x4008941a
	var none uint64
	_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, uintptr(directory), btrfsSubvolumeSetFlags, uintptr(unsafe.Pointer(&none)))
}

// lift moves a directory up to another one.
func (d *discarding) lift(path string, to int) bool {
	if os.Rename(path, in(to, fmt.Sprintf("%x-%d", d.mark, d.lifted))) != nil {
		return false
	}
	d.lifted++
	return true
}

// empty deletes or lifts all that is in an open directory.
func (d *discarding) empty(v volume, directory, depth int) error {
	list, err := os.Open(at(directory))
	if err != nil {
		return err
	}
	defer list.Close()
	// Until nothing is left: more may be moved here, and what is deleted while it is read may have the kernel leave out another one.
	for found := true; found; {
		found = false
		if _, err := list.Seek(0, 0); err != nil {
			return err
		}
		for {
			names, err := list.Readdirnames(1000)
			for _, name := range names {
				found = true
				if err := d.entry(v, directory, name, depth); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *discarding) entry(v volume, directory int, name string, depth int) error {
	path := in(directory, name)
	failed := syscall.Unlink(path)
	if failed == nil || failed == syscall.ENOENT {
		return nil
	}
	switch err := syscall.Rmdir(path); err {
	case nil, syscall.ENOENT:
		return nil
	case syscall.ENOTDIR:
		return &os.PathError{Op: "unlink", Path: name, Err: failed}
	}
	if os.Geteuid() != 0 {
		_ = os.Chmod(path, 0o700)
	}
	if depth >= sliceDepth && d.lift(path, v.top) {
		return nil
	}
	inner, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	switch err {
	case nil:
	case syscall.ENOENT:
		return nil
	case syscall.ENOTDIR, syscall.ELOOP:
		return &os.PathError{Op: "unlink", Path: name, Err: failed}
	default:
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(inner)
	var is syscall.Stat_t
	if err := syscall.Fstat(inner, &is); err != nil {
		return err
	}
	if uint64(is.Dev) != v.device {
		makeWritable(inner)
		if directory != d.outermost && d.lift(path, d.outermost) {
			return nil
		}
		v, depth = volume{inner, uint64(is.Dev)}, 0
	}
	if err := d.empty(v, inner, depth+1); err != nil {
		return err
	}
	if err := syscall.Rmdir(path); err != nil && err != syscall.ENOENT {
		return &os.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}
