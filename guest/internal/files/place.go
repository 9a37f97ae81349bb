package files

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// place is a name in a directory that is held open: what was checked and what is changed are in the same directory,
// whatever is swapped on the way to it.
type place struct {
	dir  *os.Root
	name string
	made Made // on the way
}

func (p *place) close() { p.dir.Close() }

// Made are directories that were made, outermost first.
type Made []string

// Abandon takes back those that were made for nothing.
func (m Made) Abandon() {
	for _, path := range slices.Backward(m) {
		_ = syscall.Rmdir(path)
	}
}

// openPlace holds the directory of path.
func openPlace(path string) (*place, error) {
	dir, name := splitPath(path)
	if name == "" || name == "." || name == ".." {
		return nil, wire.Errorf("invalid_argument", "expected a path that ends in a name, got %q", path).With("path", path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Failed(err, path)
	}
	return &place{dir: root, name: name}, nil
}

// makePlace is openPlace with missing parents made.
func makePlace(path string) (*place, error) {
	p, err := openPlace(path)
	if !isNotFound(err) {
		return p, err
	}
	dir, _ := splitPath(path)
	made, err := MakeDirectories(dir)
	if err == nil {
		p, err = openPlace(path)
	}
	if err != nil {
		made.Abandon()
		return nil, err
	}
	p.made = made
	return p, nil
}

// isNotFound tells it of our errors and the system's.
func isNotFound(err error) bool {
	var known *wire.Error
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &known) && known.Code == "not_found"
}

// MakeDirectories makes path and its missing parents, 0755, and gives those it made.
func MakeDirectories(path string) (made Made, err error) {
	var missing []string
	for at := trimSlashes(path); ; {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == "/" {
			return nil, Failed(err, at)
		}
		missing = append(missing, at)
		at, _ = splitPath(at)
		at = trimSlashes(at)
	}
	for _, at := range slices.Backward(missing) {
		switch err := os.Mkdir(at, 0o755); {
		case err == nil:
			made = append(made, at)
		case !errors.Is(err, fs.ErrExist): // somebody else's is as good; what is no directory fails at the next step
			return made, Failed(err, at)
		}
	}
	return made, nil
}

// temporaryName is free as good as certainly; O_EXCL makes sure.
func temporaryName() string { return fmt.Sprintf(".lms-%016x", rand.Uint64()) }

// maxLinks is the kernel's own bound on a chain of symlinks.
const maxLinks = 40

// followPlace is makePlace at the end of a chain of symlinks, with what is there: nil, or a regular file.
func followPlace(path string) (*place, os.FileInfo, error) {
	var made Made
	asked := path
	for range maxLinks {
		if strings.HasSuffix(path, "/") {
			return nil, nil, wire.Errorf("not_a_file", "expected a file, got %q, which can only be a directory", path).With("path", path)
		}
		p, err := makePlace(path)
		if err != nil {
			made.Abandon()
			return nil, nil, err
		}
		p.made = append(made, p.made...)
		info, err := p.dir.Lstat(p.name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return p, nil, nil
		case err == nil && info.Mode().IsRegular():
			return p, info, nil
		case err == nil && info.Mode()&os.ModeSymlink == 0:
			err = notAFile(path, info)
		case err == nil:
			var link string
			if link, err = p.dir.Readlink(p.name); err == nil {
				made = p.made
				if !strings.HasPrefix(link, "/") {
					dir, _ := splitPath(path)
					link = dir + link
				}
				path = link
			}
		}
		p.close()
		if err != nil {
			p.made.Abandon()
			return nil, nil, Failed(err, path)
		}
	}
	made.Abandon()
	return nil, nil, Failed(syscall.ELOOP, asked)
}
