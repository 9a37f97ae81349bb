package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// private tells whether something of the host is kept from the guest: what not everybody on the host may read, and whatever
// is not a file, a directory or a symlink, since a socket or FIFO would be a way to the host's programs. A rule, not a
// list: it covers shadow, host keys, TLS keys, sudoers and what the next package puts there.
func private(mode fs.FileMode) bool {
	switch mode.Type() {
	case 0:
		return mode&0o004 == 0
	case fs.ModeDir:
		return mode&0o005 != 0o005
	case fs.ModeSymlink:
		return false
	}
	return true
}

// examination is of a place where private things may be.
type examination struct {
	path string
	// depth is how many levels below it are looked at; 0: all.
	depth int
}

// hide makes an overlay layer of whiteouts over what is private in these places below source. It is made anew at each
// boot and lies below the guest's own layer: a file that the guest puts at a hidden name is its own and stays.
func hide(layer, source string, places []examination) (hidden int, err error) {
	for _, place := range places {
		start := filepath.Join(source, place.path)
		err := filepath.WalkDir(start, func(path string, entry fs.DirEntry, err error) error {
			// Not there; or out of our reach, without an entry then, and so out of the guest's.
			if errors.Is(err, fs.ErrNotExist) || entry == nil && errors.Is(err, fs.ErrPermission) {
				return nil
			}
			if err != nil && !errors.Is(err, fs.ErrPermission) {
				return err
			}
			info, err := entry.Info()
			if err != nil || !private(info.Mode()) || path == source {
				if entry.IsDir() && place.depth > 0 && path != start && strings.Count(path[len(start):], "/") == place.depth {
					return fs.SkipDir
				}
				return nil
			}
			name, err := filepath.Rel(source, path)
			if err != nil {
				return err
			}
			if err := mirror(layer, source, filepath.Dir(name)); err != nil {
				return err
			}
			hidden++
			// A whiteout is a character device 0:0; this kind needs no privilege (overlayfs documentation, mknod(2)). Of places in each other the
			// first has hidden it.
			white := filepath.Join(layer, name)
			if err := syscall.Mknod(white, syscall.S_IFCHR, 0); err != nil && !(err == syscall.EEXIST && isDevice(white)) {
				return &os.PathError{Op: "hide", Path: path, Err: err}
			}
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil {
			return hidden, err
		}
	}
	return hidden, nil
}

func isDevice(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

// mirror makes a directory in the layer with the mode and owner of the host's, which it will cover.
func mirror(layer, source, name string) error {
	target := filepath.Join(layer, name)
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	if name != "." {
		if err := mirror(layer, source, filepath.Dir(name)); err != nil {
			return err
		}
	}
	info, err := os.Lstat(filepath.Join(source, name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	return alike(target, info)
}

// alike gives target the owner and mode of info. An owner that has no number in our user namespace, or that an ordinary user may not
// give, stays ours.
func alike(target string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && (stat.Uid != 0 || stat.Gid != 0) {
		if err := os.Lchown(target, int(stat.Uid), int(stat.Gid)); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EPERM) {
			return err
		}
	}
	// A regular file has its permissions from its making; only what a chown or an open(2) does not give needs another call.
	const special = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	if mode := info.Mode(); mode.Type() == fs.ModeSymlink || mode.IsRegular() && mode&special == 0 {
		return nil
	}
	return os.Chmod(target, info.Mode()&(fs.ModePerm|special))
}
