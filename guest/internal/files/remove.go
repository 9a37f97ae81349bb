package files

import (
	"errors"
	"net/http"
	"os"
	"syscall"

	"lms-computer/guest/internal/wire"
)

func mkdir(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	mode, err := modeOf(r)
	if err != nil {
		return nil, err
	}
	made, err := MakeDirectories(path)
	if err == nil && len(made) > 0 && mode != nil {
		err = giveMode(made[len(made)-1], *mode)
	}
	if err != nil {
		made.Abandon()
		return nil, err
	}
	return describe(path, true)
}

func giveMode(path string, mode os.FileMode) error {
	p, err := openPlace(path)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.dir.Chmod(p.name, mode); err != nil {
		return Failed(err, path)
	}
	return nil
}

// remove never follows a symlink: os.Root takes one directory descriptor after the other.
func remove(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	p, err := openPlace(trimSlashes(path))
	if err != nil {
		return nil, err
	}
	defer p.close()
	if wire.Flag(r, "recursive") {
		if _, err = p.dir.Lstat(p.name); err == nil { // RemoveAll is content with a missing one
			err = p.dir.RemoveAll(p.name)
		}
	} else if err = p.dir.Remove(p.name); errors.Is(err, syscall.ENOTEMPTY) {
		return nil, wire.Errorf("already_exists", "expected %q to be empty; with recursive it goes with all it holds", path).With("path", path)
	}
	if err != nil {
		return nil, Failed(err, path)
	}
	return struct{}{}, nil
}
