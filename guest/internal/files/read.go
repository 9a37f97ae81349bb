package files

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

// openFlags never block and never make a terminal ours: a FIFO without a writer, or a file with a lease, would hold up
// an open for as long as it pleases.
const openFlags = syscall.O_NONBLOCK | syscall.O_CLOEXEC | syscall.O_NOCTTY

func read(w http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	offset, length, err := rangeOf(r)
	if err != nil {
		return nil, err
	}
	content, err := Open(r.Context(), path)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return nil, content.Send(w, offset, length)
}

// Content is what a regular file holds, open to read. Size is what it was at the beginning.
type Content struct {
	io.ReaderAt
	Size int64
	path string
}

// Open opens the regular file at path; one whose content the kernel makes up (/proc, /sys) is read whole at once.
func Open(ctx context.Context, path string) (*Content, error) {
	// Looked at before it is opened: opening a device can have effects (a tape rewinds, a watchdog starts).
	info, err := os.Stat(path)
	if err != nil {
		return nil, Failed(err, path)
	}
	if !info.Mode().IsRegular() {
		return nil, notAFile(path, info)
	}
	if isGenerated(path, info) {
		content, err := readGenerated(ctx, path)
		if err != nil {
			return nil, Failed(err, path)
		}
		return &Content{bytes.NewReader(content), int64(len(content)), path}, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, Failed(err, path)
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = notAFile(path, info)
	}
	if err != nil {
		f.Close()
		return nil, Failed(err, path)
	}
	return &Content{f, info.Size(), path}, nil
}

// Close lets go of the file.
func (c *Content) Close() {
	if f, ok := c.ReaderAt.(*os.File); ok {
		f.Close()
	}
}

// Send answers with a range. The length is announced after the first read, so a file that shrank before it does no
// harm; one that shrinks later breaks the stream off, for nothing else would tell the host that bytes are missing.
func (c *Content) Send(w http.ResponseWriter, offset, length int64) error {
	size := c.Size
	start, count := resolveRange(size, offset, length)
	buffer := buffers.Get().(*[chunkBytes]byte)
	defer buffers.Put(buffer)
	for sent := int64(0); ; {
		want := min(count-sent, chunkBytes)
		n, err := c.ReadAt(buffer[:want], start+sent)
		if sent == 0 {
			if err != nil && err != io.EOF {
				return Failed(err, c.path)
			}
			if err == io.EOF {
				size, count = start+int64(n), int64(n)
			}
			announce(w, size, count)
		} else if int64(n) < want {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return nil // nobody listens any more
		}
		if sent += int64(n); sent >= count {
			return nil
		}
	}
}

func announce(w http.ResponseWriter, size, count int64) {
	header := w.Header()
	header.Set("content-type", "application/octet-stream")
	header.Set("content-length", strconv.FormatInt(count, 10))
	header.Set("lms-size", strconv.FormatInt(size, 10))
}
