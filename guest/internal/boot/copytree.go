package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// maxDepth bounds the descriptors that are open at once: two for each level.
const maxDepth = 1000

// treeCopier copies a directory with all that an overlay's upper layer is made of: whiteouts, extended attributes, hard links, holes.
//
// A guest made the names in it and may go on doing so, where it can not be frozen. So nothing is reached by a path: each entry is
// looked up in the open directory that holds it, as the last component and without following it.
type treeCopier struct {
	root     int // of the copy
	links    map[[2]uint64]*entryName
	bytes    int64
	buffer   []byte
	noClones bool
}

// entryName is where an entry is below the top, as the name and the directory that has it. Whole paths would take as much memory for each file with several
// names as the guest can nest directories.
type entryName struct {
	directory *entryName // nil: the top
	name      string
	length    int
}

// maxPath is PATH_MAX less what comes before a path of ours.
const maxPath = 4096 - 64

func (e *entryName) below(name string) *entryName {
	length := len(name)
	if e != nil {
		length += e.length + 1
	}
	return &entryName{e, name, length}
}

// path is false for one that no system call takes.
func (e *entryName) path() (string, bool) {
	if e.length > maxPath {
		return "", false
	}
	path := e.name
	for up := e.directory; up != nil; up = up.directory {
		path = up.name + "/" + path
	}
	return path, true
}

// copyTree makes target, which must not be there. skip names one entry at the top whose content is left out.
func (c *treeCopier) copyTree(source, target, skip string) error {
	from, err := syscall.Open(source, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: source, Err: err}
	}
	defer syscall.Close(from)
	to, err := makeDirectory(target)
	if err != nil {
		return err
	}
	defer syscall.Close(to)
	c.root, c.links, c.buffer = to, map[[2]uint64]*entryName{}, make([]byte, 128<<10)
	return c.directory(from, to, nil, skip, 0)
}

func makeDirectory(path string) (int, error) {
	if err := syscall.Mkdir(path, 0o700); err != nil {
		return -1, &os.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
}

// in is a path for the entry of an open directory.
func in(directory int, name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", directory, name)
}

// at is a path for an open descriptor itself.
func at(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

func (c *treeCopier) directory(from, to int, here *entryName, skip string, depth int) error {
	if depth > maxDepth {
		return failf("too_large", "expected directories nested at most %d deep, got more", maxDepth)
	}
	// A second description of the directory: reading the names moves its position.
	list, err := os.Open(at(from))
	if err != nil {
		return err
	}
	defer list.Close()
	for {
		names, err := list.Readdirnames(1000)
		for _, name := range names {
			if err := c.entry(from, to, here, name, name == skip, depth); err != nil {
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
	var stat syscall.Stat_t
	if err := syscall.Fstat(from, &stat); err != nil {
		return err
	}
	if err := copyAttributes(at(from), at(to)); err != nil {
		return err
	}
	return imitate(at(to), &stat, true)
}

func (c *treeCopier) entry(from, to int, here *entryName, name string, empty bool, depth int) error {
	source, target := in(from, name), in(to, name)
	var stat syscall.Stat_t
	if err := syscall.Lstat(source, &stat); err != nil {
		return ifThere(err)
	}
	kind := stat.Mode & syscall.S_IFMT
	if kind == syscall.S_IFDIR {
		inner, err := syscall.Open(source, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
		if err != nil {
			return ifThere(err)
		}
		defer syscall.Close(inner)
		made, err := makeDirectory(target)
		if err != nil {
			return err
		}
		defer syscall.Close(made)
		if empty {
			return imitate(at(made), &stat, true)
		}
		return c.directory(inner, made, here.below(name), "", depth+1)
	}
	inode := [2]uint64{uint64(stat.Dev), stat.Ino}
	if stat.Nlink > 1 {
		if first, ok := c.links[inode]; ok {
			if path, ok := first.path(); ok && os.Link(in(c.root, path), target) == nil {
				return nil
			}
		}
		c.links[inode] = here.below(name)
	}
	switch kind {
	case syscall.S_IFREG:
		return ifThere(c.file(source, target))
	case syscall.S_IFLNK:
		link, err := os.Readlink(source)
		if err == nil {
			err = os.Symlink(link, target)
		}
		if err != nil {
			return ifThere(err)
		}
	default:
		// A whiteout is a character device 0:0, which needs no privilege; other devices no guest can make.
		if err := syscall.Mknod(target, stat.Mode, int(stat.Rdev)); err != nil {
			return &os.PathError{Op: "mknod", Path: name, Err: err}
		}
	}
	return imitate(target, &stat, kind != syscall.S_IFLNK)
}

func (c *treeCopier) file(source, target string) error {
	in, err := os.OpenFile(source, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(in.Fd()), &stat); err != nil {
		return err
	}
	if stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil // another one than a moment ago
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := c.content(in, out, &stat); err != nil {
		return err
	}
	c.bytes += stat.Blocks * 512
	if err := copyAttributes(at(int(in.Fd())), at(int(out.Fd()))); err != nil {
		return err
	}
	return imitate(at(int(out.Fd())), &stat, true)
}

// content shares the blocks where the file system can (btrfs, XFS) and keeps holes: a file may be larger than the disk.
func (c *treeCopier) content(in, out *os.File, stat *syscall.Stat_t) error {
	const ficlone = 0x40049409
	if stat.Size > 0 && !c.noClones {
		switch _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), ficlone, in.Fd()); errno {
		case 0:
			return nil
		case syscall.EOPNOTSUPP, syscall.ENOTTY, syscall.EXDEV:
			c.noClones = true // the file system's answer; others are about this file alone (ioctl_ficlone(2))
		}
	}
	const seekData, seekHole = 3, 4
	for offset := int64(0); offset < stat.Size; {
		start, err := in.Seek(offset, seekData)
		if errors.Is(err, syscall.ENXIO) {
			break // nothing but a hole is left
		}
		if err != nil {
			return err
		}
		end, err := in.Seek(start, seekHole)
		if err != nil {
			return err
		}
		if _, err := in.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{out}, io.LimitReader(in, end-start), c.buffer); err != nil || n == 0 {
			return err
		}
		offset = end
	}
	return out.Truncate(stat.Size)
}

// copyAttributes is for files and directories. What of them only another kind of system understands is left out.
func copyAttributes(source, target string) error {
	names := make([]byte, 64<<10)
	n, err := syscall.Listxattr(source, names)
	if err != nil || n == 0 {
		return nil // the file system has none
	}
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		n, err := syscall.Getxattr(source, name, value)
		if err != nil {
			continue
		}
		if err := syscall.Setxattr(target, name, value[:n], 0); err != nil && strings.Contains(name, ".overlay.") {
			return fmt.Errorf("copy the attribute %s: %w", name, err)
		}
	}
	return nil
}

// imitate gives target the owner, the mode and the times of another. Owner first: a change of it takes setuid away.
func imitate(target string, stat *syscall.Stat_t, hasMode bool) error {
	if hasMode {
		if err := syscall.Chown(target, int(stat.Uid), int(stat.Gid)); err != nil {
			return &os.PathError{Op: "chown", Path: target, Err: err}
		}
		if err := syscall.Chmod(target, stat.Mode&0o7777); err != nil {
			return &os.PathError{Op: "chmod", Path: target, Err: err}
		}
	} else if err := syscall.Lchown(target, int(stat.Uid), int(stat.Gid)); err != nil {
		return &os.PathError{Op: "lchown", Path: target, Err: err}
	}
	const atFdcwd, nofollow = -100, 0x100
	path, err := syscall.BytePtrFromString(target)
	if err != nil {
		return err
	}
	flags := uintptr(0)
	if !hasMode {
		flags = nofollow
	}
	times := [2]syscall.Timespec{stat.Atim, stat.Mtim}
	directory := atFdcwd
	if _, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(directory), uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&times)), flags, 0, 0); errno != 0 {
		return &os.PathError{Op: "utimensat", Path: target, Err: errno}
	}
	return nil
}

// ifThere forgives what a guest that is not frozen has just removed or replaced.
func ifThere(err error) error {
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENXIO) {
		return nil
	}
	return err
}
