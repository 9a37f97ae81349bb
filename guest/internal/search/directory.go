package search

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"syscall"
)

// maxNames bounds the memory for one directory.
const maxNames = 1 << 20

type kind uint8

const (
	file kind = iota
	directory
	symlink
	other
)

type child struct {
	name string
	kind kind
}

// readDirectory gives what a directory holds, in the order of the whole paths below it: a directory sorts as if its name
// ended in a slash. The kernel tells the kind with the name (getdents64(2)), so that nothing need be looked at. device is
// the file system's.
func readDirectory(path string, buffer []byte) (children []child, device uint64, err error) {
	fd, err := open(path, false, syscall.O_DIRECTORY)
	if err != nil {
		return nil, 0, err
	}
	defer syscall.Close(fd)
	var is syscall.Stat_t
	if err := syscall.Fstat(fd, &is); err != nil {
		return nil, 0, err
	}
	for len(children) < maxNames {
		n, err := retry(func() (int, error) { return syscall.ReadDirent(fd, buffer) })
		if err != nil {
			return nil, 0, err
		}
		if n <= 0 {
			break
		}
		children = appendChildren(children, path, buffer[:n])
	}
	slices.SortFunc(children, compare)
	return children, is.Dev, nil
}

// appendChildren reads linux_dirent64: inode 8, offset 8, length 2, type 1, name and NUL.
func appendChildren(children []child, path string, data []byte) []child {
	for len(data) > 19 {
		length := int(binary.NativeEndian.Uint16(data[16:]))
		if length < 20 || length > len(data) {
			break
		}
		name := data[19:length]
		if end := slices.Index(name, 0); end >= 0 {
			name = name[:end]
		}
		one := child{name: string(name)}
		switch data[18] {
		case syscall.DT_REG:
			one.kind = file
		case syscall.DT_DIR:
			one.kind = directory
		case syscall.DT_LNK:
			one.kind = symlink
		case syscall.DT_UNKNOWN: // some file systems do not say
			one.kind = look(path + "/" + one.name)
		default:
			one.kind = other
		}
		if one.name != "." && one.name != ".." {
			children = append(children, one)
		}
		data = data[length:]
	}
	return children
}

func look(path string) kind {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return other
	case info.Mode().IsRegular():
		return file
	case info.IsDir():
		return directory
	case info.Mode()&os.ModeSymlink != 0:
		return symlink
	default:
		return other
	}
}

func compare(a, b child) int {
	n := min(len(a.name), len(b.name))
	if order := strings.Compare(a.name[:n], b.name[:n]); order != 0 {
		return order
	}
	after := func(c child) int {
		switch {
		case len(c.name) > n:
			return int(c.name[n])
		case c.kind == directory:
			return '/'
		default:
			return -1
		}
	}
	return after(a) - after(b)
}

// open never blocks and makes no terminal ours. Without follow it takes no symlink in the last place; a path that ends in a
// slash goes through one.
func open(path string, follow bool, flags int) (int, error) {
	flags |= syscall.O_RDONLY | syscall.O_CLOEXEC | syscall.O_NONBLOCK | syscall.O_NOCTTY
	if !follow {
		flags |= syscall.O_NOFOLLOW
	}
	return retry(func() (int, error) { return syscall.Open(path, flags, 0) })
}

// slots bound the threads that wait for a disk, of all searches together: where the machine's process limit is used up the
// runtime cannot start one more, and dies of it.
var slots = make(chan struct{}, maxThreads)

// retry is for calls that a signal may interrupt.
func retry(call func() (int, error)) (int, error) {
	slots <- struct{}{}
	defer func() { <-slots }()
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
}
