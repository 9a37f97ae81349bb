package archive

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"lms-computer/guest/internal/directory"
	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

// extractor puts an archive's entries into a folder of its own, which was empty.
//
// Only folders that it made itself are entered, so no symlink of the archive is ever followed; and all goes through os.Root, so that
// a process of the machine which meddles can not lead it out either.
type extractor struct {
	root       *os.Root
	keepSetuid bool
	maxBytes   int64
	maxEntries int64

	folders map[string]*folder // by cleaned name
	order   []string           // of making
	open    *os.Root           // the folder that the last entry was in
	openAs  string
	entries int64
	bytes   int64
}

type folder struct {
	mode    os.FileMode
	changed time.Time
}

func newExtractor(root *os.Root) *extractor {
	return &extractor{root: root, folders: map[string]*folder{".": {mode: 0o755}}, order: []string{"."}}
}

func (x *extractor) close() {
	if x.open != nil {
		x.open.Close()
	}
}

func (x *extractor) all(archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return x.dressFolders()
		}
		if err != nil {
			return unreadable(err)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if x.entries++; x.entries > x.maxEntries {
			return wire.Errorf("too_large", "expected an archive of at most %d entries", x.maxEntries).With("limit", x.maxEntries)
		}
		if header.Size < 0 || header.Size > x.maxBytes-x.bytes {
			return wire.Errorf("too_large", "expected an archive of at most %d bytes of content", x.maxBytes).With("limit", x.maxBytes)
		}
		if err := x.entry(header, archive); err != nil {
			return err
		}
	}
}

func unreadable(err error) error {
	var known *wire.Error
	if errors.As(err, &known) {
		return known
	}
	return wire.Errorf("invalid_argument", "expected a whole tar archive: %s", err)
}

func (x *extractor) entry(header *tar.Header, content io.Reader) error {
	target := header.Linkname
	name, err := cleanName(header.Name)
	if err != nil {
		return err
	}
	if header.Typeflag == tar.TypeDir {
		return x.folder(name, &folder{permissions(header.Mode, x.keepSetuid), header.ModTime})
	}
	if name == "." {
		return wire.Errorf("invalid_argument", "the archive has something else than a folder as %q", header.Name)
	}
	dir, last := split(name)
	if err := x.enter(dir); err != nil {
		return err
	}
	isFile := header.Typeflag == tar.TypeReg || header.Typeflag == tar.TypeGNUSparse || header.Typeflag == '\x00'
	if !isFile {
		if err := x.makeRoom(name, last); err != nil {
			return err
		}
	}
	switch {
	case isFile:
		err = x.file(name, last, header, content)
	case header.Typeflag == tar.TypeSymlink:
		if target == "" || len(target) > maxPathBytes {
			return wire.Errorf("invalid_argument", "the archive has a symlink to nowhere: %q", name)
		}
		err = x.open.Symlink(target, last)
	case header.Typeflag == tar.TypeLink:
		return x.link(target, name)
	default:
		return wire.Errorf("invalid_argument", "expected files, folders and links in the archive, got type %q: %q", header.Typeflag, name)
	}
	if err != nil {
		return files.Failed(err, name)
	}
	return nil
}

// folder makes one with its parents, or gives one that was made on the way its own mode.
func (x *extractor) folder(name string, is *folder) error {
	if x.folders[name] != nil {
		x.folders[name] = is
		return nil
	}
	dir, last := split(name)
	if err := x.enter(dir); err != nil {
		return err
	}
	if err := x.open.Mkdir(last, 0o700); err != nil {
		return conflict(err, name)
	}
	x.folders[name] = is
	x.order = append(x.order, name)
	return nil
}

// enter opens the folder of an entry, making what the archive left out.
func (x *extractor) enter(name string) error {
	if x.open != nil && x.openAs == name {
		return nil
	}
	if x.folders[name] == nil {
		if err := x.folder(name, &folder{mode: 0o755}); err != nil {
			return err
		}
	}
	opened, err := directory.HoldIn(x.root, name)
	if err != nil {
		return files.Failed(err, name)
	}
	x.close()
	x.open, x.openAs = opened, name
	return nil
}

// makeRoom takes away an earlier entry of the same name: the last one counts, as with any tar. A folder stays one.
func (x *extractor) makeRoom(name, last string) error {
	if x.folders[name] != nil {
		return conflict(fs.ErrExist, name)
	}
	if err := x.open.Remove(last); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files.Failed(err, name)
	}
	return nil
}

func conflict(err error, name string) error {
	if errors.Is(err, fs.ErrExist) {
		return wire.Errorf("invalid_argument", "the archive has %q as a folder and as something else", name)
	}
	return files.Failed(err, name)
}

func (x *extractor) file(name, last string, header *tar.Header, content io.Reader) error {
	const create = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := x.open.OpenFile(last, create, 0o600)
	if errors.Is(err, fs.ErrExist) { // room is made only where there is none: to try it for each file takes as long as its making
		if err := x.makeRoom(name, last); err != nil {
			return err
		}
		f, err = x.open.OpenFile(last, create, 0o600)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	buffer := buffers.Get().(*[chunkBytes]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{content}, buffer[:])
	x.bytes += n
	if err == nil && n != header.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		var system *fs.PathError
		if errors.As(err, &system) {
			return err
		}
		return unreadable(err)
	}
	if err := f.Chmod(permissions(header.Mode, x.keepSetuid)); err != nil {
		return err
	}
	return x.date(x.open, last, header.ModTime)
}

// link is a hard link to a file that this archive has brought.
func (x *extractor) link(target, name string) error {
	from, err := cleanName(target)
	if err != nil {
		return err
	}
	dir, _ := split(from)
	refused := wire.Errorf("invalid_argument", "the archive has a hard link to what is no earlier file of it: %q", name)
	if x.folders[dir] == nil {
		return refused
	}
	if info, err := x.root.Lstat(from); err != nil || !info.Mode().IsRegular() {
		return refused
	}
	if err := x.root.Link(from, name); err != nil {
		return files.Failed(err, name)
	}
	return nil
}

// dressFolders gives modes and times last, inner ones first: a folder may be read-only, and what is put into it changes its time.
func (x *extractor) dressFolders() error {
	for _, name := range slices.Backward(x.order) {
		is := x.folders[name]
		if err := x.root.Chmod(name, is.mode); err != nil {
			return files.Failed(err, name)
		}
		if err := x.date(x.root, name, is.changed); err != nil {
			return files.Failed(err, name)
		}
	}
	return nil
}

func (x *extractor) date(root *os.Root, name string, changed time.Time) error {
	if changed.IsZero() || changed.Unix() == 0 {
		return nil
	}
	return root.Chtimes(name, changed, changed)
}
