package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lms-computer/guest/internal/directory"
	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

// openFlags open nothing that blocks. A symlink that takes a file's place is followed by os.Root, to nowhere but below its own folder.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY

// packer writes an archive.
type packer struct {
	archive *tar.Writer
	records bool // of our own may be in it
	skipped int  // neither file, folder nor symlink, or not to be read
	buffer  []byte
}

// get streams a file, or what is in a folder. Once the answer has begun an error can only break it off.
func get(w http.ResponseWriter, r *http.Request) (any, error) {
	at, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(at)
	if err != nil {
		return nil, files.Failed(err, at)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, wire.Errorf("not_a_file", "expected %q to be a file or a folder", at).With("path", at)
	}
	buffer := buffers.Get().(*[chunkBytes]byte)
	defer buffers.Put(buffer)
	// Behind a large buffer: 10,000 small files are many small writes.
	out := &buffered{w: w}
	p := &packer{archive: tar.NewWriter(out), records: wire.Flag(r, "records"), buffer: buffer[:]}
	begin := func(kind string) {
		w.Header().Set("lms-type", kind)
		w.Header().Set("content-type", "application/x-tar")
	}
	if info.IsDir() {
		root, err := directory.Hold(at)
		if err != nil {
			return nil, files.Failed(err, at)
		}
		begin("directory")
		err = p.folder(r, root, "", 0)
		root.Close()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	} else {
		dir, name := parentOf(at)
		f, err := os.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
		if err != nil {
			return nil, files.Failed(err, dir)
		}
		begin("file")
		err = p.file(r, f, name)
		f.Close()
		var broken noContent
		if errors.As(err, &broken) {
			return nil, files.Failed(broken.error, at)
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if p.tellSkipped() != nil || p.archive.Close() != nil || out.flush() != nil {
		panic(http.ErrAbortHandler)
	}
	return nil, nil
}

// tellSkipped closes the archive with how many entries are not in it.
func (p *packer) tellSkipped() error {
	if !p.records || p.skipped == 0 {
		return nil
	}
	records := map[string]string{recordSkipped: strconv.Itoa(p.skipped)}
	return p.archive.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: records})
}

// folder packs what is in one, sorted by name.
func (p *packer) folder(r *http.Request, root *os.Root, prefix string, depth int) error {
	entries, err := entriesOf(root)
	if errors.Is(err, fs.ErrPermission) {
		p.skipped++
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		if err := r.Context().Err(); err != nil {
			return err
		}
		name := entry.Name()
		if entry.Type().IsRegular() {
			err = p.fileIn(r, root, name, prefix+name)
		} else {
			err = p.entry(r, root, name, prefix+name, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entriesOf gives names and kinds. A directory opened through an os.Root would look at each entry for it; one opened by path knows.
func entriesOf(root *os.Root) ([]fs.DirEntry, error) {
	held, err := root.Open(".")
	if err != nil {
		return nil, fs.ErrPermission
	}
	defer held.Close()
	dir, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", held.Fd()))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadDir(-1)
}

// fileIn packs what its folder says is a file: it is looked at when it is open, and not before.
func (p *packer) fileIn(r *http.Request, root *os.Root, name, as string) error {
	f, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if errors.Is(err, fs.ErrNotExist) { // gone since
		return nil
	}
	if err != nil {
		p.skipped++
		return nil
	}
	defer f.Close()
	err = p.file(r, f, as)
	if errors.As(err, new(noContent)) {
		p.skipped++
		return nil
	}
	return err
}

func (p *packer) entry(r *http.Request, root *os.Root, name, as string, depth int) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) { // gone since
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		return p.fileIn(r, root, name, as)
	case info.IsDir():
		if err := p.header(&tar.Header{Typeflag: tar.TypeDir, Name: as + "/"}, info); err != nil {
			return err
		}
		if depth >= maxDepth {
			return wire.Errorf("too_large", "expected folders at most %d deep", maxDepth)
		}
		inner, err := directory.HoldIn(root, name)
		if err != nil {
			p.skipped++
			return nil
		}
		defer inner.Close()
		return p.folder(r, inner, as+"/", depth+1)
	case info.Mode()&os.ModeSymlink != 0:
		target, err := root.Readlink(name)
		if err != nil {
			return nil
		}
		return p.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: as, Linkname: target}, info)
	}
	p.skipped++
	return nil
}

func (p *packer) header(header *tar.Header, info os.FileInfo) error {
	sys := info.Sys().(*syscall.Stat_t)
	header.Format = tar.FormatPAX
	header.Mode = int64(sys.Mode & 0o7777)
	header.ModTime = info.ModTime().Truncate(time.Second) // a fraction needs a PAX header of its own, which triples a small file
	return p.archive.WriteHeader(header)
}

// noContent is a file's whose content can not be had. Nothing has been said of it yet.
type noContent struct{ error }

// file packs as many bytes as the file has now. One that grows is cut, one that shrinks is filled up with zeros: the size has been said.
func (p *packer) file(r *http.Request, f *os.File, as string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // swapped since
		p.skipped++
		return nil
	}
	parts := []part{{0, info.Size()}}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: as, Size: info.Size()}
	if p.records {
		if parts, err = dataOf(f, info); err != nil {
			return err
		}
		if data := bytesOf(parts); data < info.Size() {
			header.Size = data
			header.PAXRecords = map[string]string{recordMap: formatMap(parts), recordSize: strconv.FormatInt(info.Size(), 10)}
		}
	}
	if len(parts) == 1 && info.Size() <= chunkBytes && header.PAXRecords == nil {
		content, err := p.content(f, info.Size())
		if err != nil {
			return noContent{err}
		}
		header.Size = int64(len(content))
		if err := p.header(header, info); err != nil {
			return err
		}
		_, err = p.archive.Write(content)
		return err
	}
	if err := p.header(header, info); err != nil {
		return err
	}
	for _, one := range parts {
		if err := p.copy(r, f, one); err != nil {
			return err
		}
	}
	return nil
}

// content reads a file that says to be small before anything is said of it: the kernel's own have no size (/proc, cgroups) or a wrong one (/sys).
func (p *packer) content(f *os.File, size int64) ([]byte, error) {
	piece := p.buffer[:size]
	if size == 0 {
		piece = p.buffer
	}
	n, err := f.ReadAt(piece, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if size == 0 && n == len(piece) {
		return nil, syscall.EFBIG
	}
	return piece[:n], nil
}

func (p *packer) copy(r *http.Request, f *os.File, one part) error {
	for at, end := one.offset, one.offset+one.length; at < end; {
		if err := r.Context().Err(); err != nil {
			return err
		}
		piece := p.buffer[:min(int64(len(p.buffer)), end-at)]
		n, err := f.ReadAt(piece, at)
		if n == 0 && err != nil {
			if err != io.EOF {
				return err
			}
			clear(piece)
			n = len(piece)
		}
		if _, err := p.archive.Write(piece[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// part is where data is in a sparse file.
type part struct{ offset, length int64 }

// maxParts bounds the record; a file with more holes goes as if it had none.
const maxParts = 1024

// dataOf asks the file system where data is. Only a file that takes less than its size is worth asking about.
func dataOf(f *os.File, info os.FileInfo) ([]part, error) {
	const seekData, seekHole = 3, 4 // lseek(2)
	size := info.Size()
	whole := []part{{0, size}}
	if info.Sys().(*syscall.Stat_t).Blocks*512 >= size {
		return whole, nil
	}
	parts := []part{}
	for at := int64(0); at < size; {
		data, err := f.Seek(at, seekData)
		if errors.Is(err, syscall.ENXIO) { // nothing but a hole to the end
			break
		}
		if err != nil || len(parts) == maxParts {
			return whole, nil
		}
		hole, err := f.Seek(data, seekHole)
		if err != nil {
			return whole, nil
		}
		hole = min(hole, size)
		if hole > data {
			parts = append(parts, part{data, hole - data})
		}
		at = max(hole, at+1)
	}
	return parts, nil
}

func bytesOf(parts []part) (sum int64) {
	for _, one := range parts {
		sum += one.length
	}
	return sum
}

func formatMap(parts []part) string {
	numbers := make([]string, 0, 2*len(parts))
	for _, one := range parts {
		numbers = append(numbers, strconv.FormatInt(one.offset, 10), strconv.FormatInt(one.length, 10))
	}
	return strings.Join(numbers, ",")
}

// buffered joins small writes.
type buffered struct {
	w    http.ResponseWriter
	held []byte
}

func (b *buffered) Write(data []byte) (int, error) {
	if len(b.held)+len(data) > chunkBytes {
		if err := b.flush(); err != nil {
			return 0, err
		}
	}
	if len(data) >= chunkBytes {
		return b.w.Write(data)
	}
	b.held = append(b.held, data...)
	return len(data), nil
}

func (b *buffered) flush() error {
	_, err := b.w.Write(b.held)
	b.held = b.held[:0]
	return err
}
