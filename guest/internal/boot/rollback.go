package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// applyNext puts the files of a decided rollback in place of the machine's own. It is called with the machine's lock and before
// anything of the machine runs.
//
// The rename to next/ is the decision: before it nothing has changed, and after it every start of the machine finishes what a killed
// one has left. Each part is moved out and in by a rename, and a part that is no longer in next/ is in place already.
func applyNext(directory, token string) error {
	next, old := filepath.Join(directory, nextDirectory), filepath.Join(directory, oldDirectory)
	if token != "" {
		if !tokenPattern.MatchString(token) {
			return failf("invalid_argument", "expected what a rollback was made ready as, got %q", token)
		}
		if _, err := os.Lstat(next); err == nil {
			// An earlier one was cut short after its decision. It is finished first, so that parts of two never mix.
			if err := applyNext(directory, ""); err != nil {
				return err
			}
		}
		if err := removeTree(directory, oldDirectory); err != nil {
			return err
		}
		if err := os.Rename(next+"."+token, next); err != nil {
			return failf("busy", "what was made ready for the rollback is gone: %s", err).hint("Try again.")
		}
	}
	if _, err := os.Lstat(next); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := os.Mkdir(old, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, part := range ownParts {
		if _, err := os.Lstat(filepath.Join(next, part)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := moveTree(filepath.Join(directory, part), filepath.Join(old, part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := moveTree(filepath.Join(next, part), filepath.Join(directory, part)); err != nil {
			return err
		}
	}
	// Scratch space of the overlays; it belongs to the upper layers that are gone.
	if err := removeTree(directory, "work"); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(next, baseFile), filepath.Join(directory, baseFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(next)
}

// moveTree is a rename. One's own directory can be moved to another parent only with the right to write to it (rename(2)), which
// a guest may have taken away.
func moveTree(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil || os.Geteuid() == 0 || !info.IsDir() {
		return errors.Join(err, os.Rename(from, to))
	}
	if err := os.Chmod(from, 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return os.Chmod(to, info.Mode())
}
