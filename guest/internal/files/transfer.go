package files

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// transfer handles move and copy: from what is there, to a name that is free or a file's.
func transfer(do func(context.Context, *route) error) func(http.ResponseWriter, *http.Request) (any, error) {
	return func(_ http.ResponseWriter, r *http.Request) (any, error) {
		from, err := PathOf(r, "from")
		if err != nil {
			return nil, err
		}
		to, err := PathOf(r, "to")
		if err != nil {
			return nil, err
		}
		from, to = trimSlashes(from), trimSlashes(to)
		way, err := openRoute(from, to)
		if err != nil {
			return nil, err
		}
		defer way.close()
		if err := do(r.Context(), way); err != nil {
			way.target.made.Abandon()
			return nil, Failed(err, from)
		}
		return describe(to, false)
	}
}

// route holds both ends open.
type route struct {
	from, to       string
	source, target *place
	moved, there   os.FileInfo // there is nil where the name is free
}

func (w *route) close() {
	w.source.close()
	w.target.close()
}

func openRoute(from, to string) (w *route, err error) {
	source, err := openPlace(from)
	if err != nil {
		return nil, err
	}
	moved, err := source.dir.Lstat(source.name)
	if err != nil {
		source.close()
		return nil, Failed(err, from)
	}
	target, err := makePlace(to)
	if err != nil {
		source.close()
		return nil, err
	}
	w = &route{from: from, to: to, source: source, target: target, moved: moved}
	w.there, err = target.dir.Lstat(target.name)
	if errors.Is(err, fs.ErrNotExist) {
		w.there, err = nil, w.refuseInside()
	}
	if err != nil {
		target.made.Abandon()
		w.close()
		return nil, Failed(err, to)
	}
	return w, nil
}

// refuseInside looks for the source among the directories above the target. It is an early answer: a bind mount can hide
// one, and the copy looks again.
func (w *route) refuseInside() error {
	if !w.moved.IsDir() {
		return nil
	}
	above, err := filepath.EvalSymlinks(filepath.Dir(w.to))
	for ; err == nil; above = filepath.Dir(above) {
		var info os.FileInfo
		if info, err = os.Stat(above); err == nil && os.SameFile(info, w.moved) {
			return intoItself(w.from)
		}
		if above == "/" {
			break
		}
	}
	return err
}

func intoItself(path string) error {
	return wire.Errorf("invalid_argument", "expected a target outside of the directory itself, %q", path).With("path", path)
}

// refuseOccupied allows a file to replace a file, and nothing else.
func (w *route) refuseOccupied() error {
	if w.there != nil && (w.there.IsDir() || w.moved.IsDir()) {
		return wire.Errorf("already_exists", "expected %q to be free, it is there", w.to).With("path", w.to)
	}
	return nil
}

// sameName says whether both ends are one name in one directory, however it was spelled.
func (w *route) sameName() bool {
	one, err := w.source.dir.Stat(".")
	if err != nil {
		return false
	}
	other, err := w.target.dir.Stat(".")
	return err == nil && w.source.name == w.target.name && os.SameFile(one, other)
}

func moveEntry(ctx context.Context, w *route) error {
	if w.there != nil && os.SameFile(w.moved, w.there) {
		if w.sameName() {
			return nil
		}
		if !w.moved.IsDir() { // two hard links: rename(2) leaves both and says that it went well
			return w.source.dir.Remove(w.source.name)
		}
	}
	if err := w.refuseOccupied(); err != nil {
		return err
	}
	err := w.rename()
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	if err := copyEntry(ctx, w); err != nil {
		return err
	}
	return w.source.dir.RemoveAll(w.source.name)
}

// rename is renameat(2) between the directories that are held: what was looked at is there, whatever the paths lead to by now.
func (w *route) rename() error {
	from, err := w.source.dir.Open(".")
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := w.target.dir.Open(".")
	if err != nil {
		return err
	}
	defer to.Close()
	return syscall.Renameat(int(from.Fd()), w.source.name, int(to.Fd()), w.target.name)
}

// copyEntry copies to a temporary name beside the target, which then takes the target's name.
func copyEntry(ctx context.Context, w *route) error {
	if err := w.refuseOccupied(); err != nil {
		return err
	}
	if w.there != nil && os.SameFile(w.moved, w.there) && w.sameName() {
		return nil
	}
	temporary := temporaryName()
	c := &copier{ctx: ctx}
	err := c.copy(w.source.dir, w.source.name, w.target.dir, temporary, w.from)
	if err == nil {
		err = w.target.dir.Rename(temporary, w.target.name)
	}
	if err != nil {
		_ = w.target.dir.RemoveAll(temporary)
	}
	return err
}
