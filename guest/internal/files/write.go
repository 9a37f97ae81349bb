package files

import (
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"

	"lms-computer/guest/internal/wire"
)

func write(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	mode, err := modeOf(r)
	if err != nil {
		return nil, err
	}
	put := replaceContent
	if wire.Flag(r, "append") {
		put = appendContent
	}
	info, err := put(r, path, mode)
	if err != nil {
		return nil, Failed(err, path)
	}
	return EntryOf(path, info, ""), nil
}

// replaceContent puts the body in place of the file.
func replaceContent(r *http.Request, path string, mode *os.FileMode) (os.FileInfo, error) {
	return rewrite(path, mode, func(_ *place, _ os.FileInfo, f *os.File) error {
		for chunk, err := range chunks(r) {
			if err == nil {
				_, err = f.Write(chunk)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rewrite puts what fill writes in place of the file: a temporary file beside it takes the content, then its name.
func rewrite(path string, mode *os.FileMode, fill func(p *place, old os.FileInfo, f *os.File) error) (info os.FileInfo, err error) {
	p, old, err := followPlace(path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	temporary := temporaryName()
	f, err := p.dir.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		p.made.Abandon()
		return nil, err
	}
	renamed := false
	defer func() {
		f.Close()
		if !renamed {
			_ = p.dir.Remove(temporary)
		}
		if err != nil {
			p.made.Abandon()
		}
	}()
	if err := fill(p, old, f); err != nil {
		return nil, err
	}
	if err := dress(f, old, mode); err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	err = p.dir.Rename(temporary, p.name)
	if errors.Is(err, syscall.EBUSY) {
		return overwrite(p, f)
	}
	renamed = err == nil
	return info, err
}

// overwrite copies into the file itself. Engines mount /etc/hosts, /etc/resolv.conf and /etc/hostname as single files,
// and the kernel renames nothing over a mount point (rename(2), EBUSY).
func overwrite(p *place, whole *os.File) (os.FileInfo, error) {
	f, err := p.dir.OpenFile(p.name, os.O_WRONLY|os.O_TRUNC|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := whole.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, whole); err != nil {
		return nil, err
	}
	return f.Stat()
}

// dress gives a new file the owner and mode of the old one; a mode that was asked for wins. Without one it is 0644.
func dress(f *os.File, old os.FileInfo, asked *os.FileMode) error {
	mode := os.FileMode(0o644)
	if old != nil {
		is := old.Sys().(*syscall.Stat_t)
		mode = giveOwner(f, is)
	}
	if asked != nil {
		mode = *asked
	}
	return f.Chmod(mode)
}

// giveOwner makes f belong to whom is says, as far as we may, and gives the mode that is then right: setuid and setgid of
// one owner must not become those of another. chown clears them, so the mode is to be set after it.
func giveOwner(f *os.File, is *syscall.Stat_t) os.FileMode {
	mode := fileMode(is.Mode)
	info, err := f.Stat()
	if err == nil {
		if has := info.Sys().(*syscall.Stat_t); has.Uid == is.Uid && has.Gid == is.Gid {
			return mode
		}
	}
	if f.Chown(int(is.Uid), int(is.Gid)) != nil {
		return mode &^ (os.ModeSetuid | os.ModeSetgid)
	}
	return mode
}
