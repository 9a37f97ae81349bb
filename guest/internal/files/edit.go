package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"lms-computer/guest/internal/wire"
)

// Entry describes a file to the host.
type Entry = entry

// EntryOf describes what is at path; target is a symlink's text.
func EntryOf(path string, info os.FileInfo, target string) Entry { return entryOf(path, info, target) }

// PathOf reads an absolute path from the query; its bytes stay as they came.
func PathOf(r *http.Request, name string) (string, error) { return pathOf(r, name) }

// CheckPath refuses what is no absolute path.
func CheckPath(path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	return nil
}

// Failed gives err a code and says which path it is about.
func Failed(err error, path string) error { return failed(err, path) }

// Edit puts in place of an existing regular file what change makes of it, whole or not at all. Edits of one file wait for
// each other; one that something else wrote meanwhile is busy, for its new content would be lost.
func Edit(r *http.Request, path string, change func(from, to *os.File) error) (Entry, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Entry{}, failed(err, path)
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
		return Entry{}, failed(err, path)
	}
	return entryOf(path, info, ""), nil
}

// locks are held by path. A channel, not a mutex: who waits can leave.
type locks struct {
	mutex sync.Mutex
	held  map[string]chan struct{} // closed when free
}

var editing = locks{held: map[string]chan struct{}{}}

func (l *locks) lock(r *http.Request, path string) (unlock func(), err error) {
	for {
		l.mutex.Lock()
		holder, busy := l.held[path]
		if !busy {
			free := make(chan struct{})
			l.held[path] = free
			l.mutex.Unlock()
			return func() {
				l.mutex.Lock()
				delete(l.held, path)
				l.mutex.Unlock()
				close(free)
			}, nil
		}
		l.mutex.Unlock()
		select {
		case <-holder:
		case <-r.Context().Done():
			return nil, failed(r.Context().Err(), path)
		}
	}
}
