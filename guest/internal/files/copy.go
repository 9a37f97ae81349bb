package files

import (
	"context"
	"io"
	"os"
	"syscall"

	"lms-computer/guest/internal/directory"
	"lms-computer/guest/internal/wire"
)

// maxDepth bounds the descriptors held: three for each directory on the way down.
const maxDepth = 1000

// copier copies one tree. Errors name the path in the source.
type copier struct {
	ctx   context.Context
	top   os.FileInfo // the copy's own outermost directory, once made
	depth int
}

func (c *copier) copy(from *os.Root, name string, to *os.Root, as, path string) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	info, err := from.Lstat(name)
	if err != nil {
		return Failed(err, path)
	}
	switch info.Mode().Type() {
	case 0:
		err = c.file(from, name, to, as, path)
	case os.ModeDir:
		err = c.directory(from, name, info, to, as, path)
	case os.ModeSymlink:
		var target string
		if target, err = from.Readlink(name); err == nil {
			err = to.Symlink(target, as)
		}
		if err == nil {
			is := info.Sys().(*syscall.Stat_t)
			_ = to.Lchown(as, int(is.Uid), int(is.Gid))
		}
	default: // to leave it out in silence would lose it in a move
		err = notAFile(path, info)
	}
	if err != nil {
		return Failed(err, path)
	}
	return nil
}

func (c *copier) directory(from *os.Root, name string, info os.FileInfo, to *os.Root, as, path string) error {
	if c.top != nil && os.SameFile(c.top, info) {
		return intoItself(path)
	}
	if c.depth++; c.depth > maxDepth {
		return wire.Errorf("too_large", "expected at most %d directories in each other", maxDepth).With("path", path).With("limit", maxDepth)
	}
	defer func() { c.depth-- }()
	source, children, err := openDirectory(from, name, info)
	if err != nil {
		return err
	}
	defer source.Close()
	defer children.Close()
	if err := to.Mkdir(as, 0o700); err != nil {
		return err
	}
	target, err := directory.HoldIn(to, as)
	if err != nil {
		return err
	}
	defer target.Close()
	if c.top == nil {
		if c.top, err = target.Stat("."); err != nil {
			return err
		}
	}
	for {
		names, err := children.Readdirnames(1024)
		for _, child := range names {
			if err := c.copy(source, child, target, child, path+"/"+child); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	is := info.Sys().(*syscall.Stat_t)
	mode := fileMode(is.Mode)
	if to.Lchown(as, int(is.Uid), int(is.Gid)) != nil {
		mode &^= os.ModeSetuid | os.ModeSetgid
	}
	if err := to.Chmod(as, mode); err != nil {
		return err
	}
	return to.Chtimes(as, info.ModTime(), info.ModTime())
}

// openDirectory opens what info describes twice: to hold it and to read it. Not Root.OpenRoot by name, which would wait for
// ever on a FIFO put in its place.
func openDirectory(from *os.Root, name string, info os.FileInfo) (*os.Root, *os.File, error) {
	children, err := from.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY|openFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	is, err := children.Stat()
	if err == nil && !os.SameFile(is, info) { // now a symlink, perhaps to a directory above: no end to it
		err = syscall.ESTALE
	}
	if err == nil {
		var root *os.Root
		if root, err = directory.Hold(procPathOf(children)); err == nil {
			return root, children, nil
		}
	}
	children.Close()
	return nil, nil, err
}
