package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"syscall"

	"lms-computer/guest/internal/directory"
	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

const (
	defaultMaxEntries = 1_000_000
	// maxTrailingBytes is what may follow the end of an archive: padding to a tape's block.
	maxTrailingBytes = 1 << 20
)

type received struct {
	Entries int64 `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

// put extracts the body into a new folder beside the target, and shows it only when it is whole.
func put(_ http.ResponseWriter, r *http.Request) (any, error) {
	at, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	maxBytes, err := wire.Int(r, "maxBytes", math.MaxInt64, 0, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	maxEntries, err := wire.Int(r, "maxEntries", defaultMaxEntries, 0, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	dir, name := parentOf(at)
	if name == "" || name == ".." {
		return nil, wire.Errorf("invalid_argument", "expected the path of a folder that has a name, got %q", at)
	}
	// A link as the target is the caller's own path, not the archive's.
	if real, err := realFolder(at); err != nil {
		return nil, err
	} else if real != "" {
		dir, name = parentOf(real)
	}
	var answer any
	made, err := files.MakeDirectories(dir)
	if err == nil {
		answer, err = stage(r, dir, name, func(x *extractor) {
			x.keepSetuid, x.maxBytes, x.maxEntries = wire.Flag(r, "setuid"), maxBytes, maxEntries
		})
	}
	if err != nil {
		made.Abandon()
	}
	return answer, err
}

// realFolder is where an existing folder is; nothing if there is none, and an error if there is something else.
func realFolder(at string) (string, error) {
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(at); err == nil {
			return "", wire.Errorf("already_exists", "%q is a symlink to nowhere", at).With("path", at)
		}
		return "", nil
	case err != nil:
		return "", files.Failed(err, at)
	case !info.IsDir():
		return "", wire.Errorf("already_exists", "expected %q to be a folder or not there", at).With("path", at)
	}
	link, err := os.Open(at + "/") // as directory.Hold does
	if err != nil {
		return "", files.Failed(err, at)
	}
	defer link.Close()
	real, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", link.Fd()))
	if err != nil {
		return "", files.Failed(err, at)
	}
	if real == "/" {
		return "", wire.Errorf("invalid_argument", "expected the path of a folder that has a name, got %q", at)
	}
	return path.Clean(real), nil
}

func stage(r *http.Request, dir, name string, bound func(*extractor)) (any, error) {
	parent, err := directory.Hold(dir)
	if err != nil {
		return nil, files.Failed(err, dir)
	}
	defer parent.Close()
	temporary := fmt.Sprintf(".lms-%016x", rand.Uint64())
	if err := parent.Mkdir(temporary, 0o700); err != nil {
		return nil, files.Failed(err, name)
	}
	defer func() { removeAll(parent, temporary) }()
	root, err := directory.HoldIn(parent, temporary)
	if err != nil {
		return nil, files.Failed(err, name)
	}
	defer root.Close()
	x := newExtractor(root)
	bound(x)
	defer x.close()
	if err := x.all(tar.NewReader(r.Body)); err != nil {
		return nil, err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxTrailingBytes)); err != nil || n == maxTrailingBytes {
		return nil, wire.Errorf("invalid_argument", "expected the body to end with the archive")
	}
	if err := show(parent, temporary, name); err != nil {
		return nil, err
	}
	return received{x.entries, x.bytes}, nil
}

// show puts the new folder in place: in one step where there is none, else what it holds over what is there.
func show(parent *os.Root, temporary, name string) error {
	_, err := parent.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = parent.Rename(temporary, name)
	} else if err == nil {
		if err = check(parent, temporary, name); err == nil {
			err = merge(parent, temporary, name)
		}
	}
	if err != nil {
		return files.Failed(err, name)
	}
	return nil
}

// check finds what can not be merged before anything is changed: a folder never replaces something else, nor the other way round.
func check(parent *os.Root, from, to string) error {
	return each(parent, from, func(name string, folder bool) error {
		at := to + "/" + name
		is, err := parent.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case folder != is.IsDir():
			return wire.Errorf("already_exists", "%q is there, and only one of the two is a folder", at).With("path", at)
		case folder:
			return check(parent, from+"/"+name, at)
		}
		return nil
	})
}

// merge moves entry by entry. Folders that are there keep their mode.
func merge(parent *os.Root, from, to string) error {
	return each(parent, from, func(name string, folder bool) error {
		source, target := from+"/"+name, to+"/"+name
		if is, err := parent.Lstat(target); err == nil && is.IsDir() && folder {
			return merge(parent, source, target)
		}
		err := parent.Rename(source, target)
		if errors.Is(err, syscall.EBUSY) {
			return wire.Errorf("busy", "%q is a mount point and can not be replaced", target).With("path", target)
		}
		return err
	})
}

func each(parent *os.Root, dir string, do func(name string, folder bool) error) error {
	f, err := directory.OpenIn(parent, dir)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := do(entry.Name(), entry.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

// removeAll also takes folders that nobody may write to, as an archive may bring them to an agent that is not root.
func removeAll(parent *os.Root, name string) {
	if parent.RemoveAll(name) == nil {
		return
	}
	_ = each(parent, name, func(inner string, folder bool) error {
		if folder {
			_ = parent.Chmod(name+"/"+inner, 0o700)
			removeAll(parent, name+"/"+inner)
		}
		return nil
	})
	_ = parent.RemoveAll(name)
}
