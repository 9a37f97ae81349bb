package boot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"syscall"
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
	d := discarding{top: int(top.Fd()), mark: rand.Uint64()}
	if err := d.empty(d.top, 1); err != nil {
		return err
	}
	return root.Remove(name)
}

// discarding is of one directory, to which what is too deep below is moved.
type discarding struct {
	top    int
	mark   uint64
	lifted int
}

// empty deletes or lifts all that is in an open directory.
func (d *discarding) empty(directory, depth int) error {
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
				if err := d.entry(directory, name, depth); err != nil {
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

func (d *discarding) entry(directory int, name string, depth int) error {
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
	if depth >= sliceDepth && os.Rename(path, in(d.top, fmt.Sprintf("%x-%d", d.mark, d.lifted))) == nil {
		d.lifted++
		return nil
	}
	inner, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err == syscall.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(inner)
	if err := d.empty(inner, depth+1); err != nil {
		return err
	}
	if err := syscall.Rmdir(path); err != nil && err != syscall.ENOENT {
		return &os.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}
