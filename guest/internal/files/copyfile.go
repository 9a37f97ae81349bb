package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// copyStepBytes is how much is copied between two looks at the context.
const copyStepBytes = 16 << 20

func (c *copier) file(from *os.Root, name string, to *os.Root, as, path string) error {
	source, err := from.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return notAFile(path, info)
	}
	target, err := to.OpenFile(as, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer target.Close()
	if procPath := procPathOf(source); isGenerated(procPath, info) {
		err = c.generated(procPath, target)
	} else {
		err = c.content(source, target, info.Size())
	}
	if err != nil {
		return err
	}
	if err := target.Chmod(giveOwner(target, info.Sys().(*syscall.Stat_t))); err != nil {
		return err
	}
	return os.Chtimes(procPathOf(target), info.ModTime(), info.ModTime())
}

func (c *copier) generated(path string, target *os.File) error {
	content, err := readGenerated(c.ctx, path)
	if err == nil {
		_, err = target.Write(content)
	}
	return err
}

// content copies size bytes at most, and leaves the holes of a sparse file: a disk image of 10 GB may hold 10 MB.
func (c *copier) content(source, target *os.File, size int64) error {
	const seekData, seekHole = 3, 4 // lseek(2)
	at := int64(0)
	for at < size {
		hole := size
		if data, err := source.Seek(at, seekData); err == nil {
			at = data
			if hole, err = source.Seek(at, seekHole); err != nil {
				return err
			}
		} else if errors.Is(err, syscall.ENXIO) { // nothing but a hole to the end
			break
		}
		if _, err := source.Seek(at, io.SeekStart); err != nil {
			return err
		}
		if _, err := target.Seek(at, io.SeekStart); err != nil {
			return err
		}
		for end := min(hole, size); at < end; {
			n, err := io.CopyN(target, source, min(end-at, copyStepBytes))
			at += n
			if err == io.EOF { // it has shrunk
				return nil
			}
			if err == nil {
				err = c.ctx.Err()
			}
			if err != nil {
				return err
			}
		}
	}
	return target.Truncate(size)
}

// procPathOf names an open file, whatever has become of its path.
func procPathOf(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
