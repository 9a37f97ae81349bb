package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"lms-computer/guest/internal/wire"
)

// Edit puts in place of an existing regular file what change makes of it, whole or not at all. Edits of one file wait for
// each other; one that something else wrote meanwhile is busy, for its new content would be lost.
func Edit(r *http.Request, path string, change func(from, to *os.File) error) (Entry, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		// Its own words for a symlink that leads to itself are no error of the system's.
		if _, stat := os.Stat(path); stat != nil {
			err = stat
		}
		return Entry{}, Failed(err, path)
	}
	unlock, err := editing.lock(r, real)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	info, err := rewrite(path, nil, func(p *place, old os.FileInfo, to *os.File) error {
		if old == nil {
			return fs.ErrNotExist
		}
		from, err := p.dir.OpenFile(p.name, os.O_RDONLY|openFlags, 0)
		if err != nil {
			return err
		}
		defer from.Close()
		began, err := from.Stat()
		if err == nil && !began.Mode().IsRegular() {
			err = notAFile(path, began)
		}
		if err == nil {
			err = change(from, to)
		}
		if err != nil {
			return err
		}
		now, err := p.dir.Stat(p.name)
		if errors.Is(err, fs.ErrNotExist) || err == nil &&
			(!os.SameFile(began, now) || !began.ModTime().Equal(now.ModTime()) || began.Size() != now.Size()) {
			return wire.Errorf("busy", "%q was changed by something else during the edit; nothing was written", path).With("path", path)
		}
		return err
	})
	if err != nil {
		return Entry{}, Failed(err, path)
	}
	return EntryOf(path, info, ""), nil
}
