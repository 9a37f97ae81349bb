package files

import (
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
	path, err := pathOf(r, "path")
	if err != nil {
		return nil, err
	}
	offset, length, err := rangeOf(r)
	if err != nil {
		return nil, err
	}
	// Looked at before it is opened: opening a device can have effects (a tape rewinds, a watchdog starts).
	info, err := os.Stat(path)
	if err != nil {
		return nil, failed(err, path)
	}
	if !info.Mode().IsRegular() {
		return nil, notAFile(path, info)
	}
	if isGenerated(path, info) {
		content, err := readGenerated(r.Context(), path)
		if err != nil {
			return nil, failed(err, path)
		}
		size := int64(len(content))
		start, count := resolveRange(size, offset, length)
		announce(w, size, count)
		_, _ = w.Write(content[start : start+count])
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, failed(err, path)
	}
	defer f.Close()
	return nil, sendFile(w, f, path, offset, length)
}

// sendFile answers with a range. The length is announced after the first read, so a file that shrank before it does no
// harm; one that shrinks later breaks the stream off, for nothing else would tell the host that bytes are missing.
func sendFile(w http.ResponseWriter, f *os.File, path string, offset, length int64) error {
	info, err := f.Stat()
	if err != nil {
		return failed(err, path)
	}
	if !info.Mode().IsRegular() {
		return notAFile(path, info)
	}
	size := info.Size()
	start, count := resolveRange(size, offset, length)
	buffer := buffers.Get().(*[chunkBytes]byte)
	defer buffers.Put(buffer)
	for sent := int64(0); ; {
		want := min(count-sent, chunkBytes)
		n, err := f.ReadAt(buffer[:want], start+sent)
		if sent == 0 {
			if err != nil && err != io.EOF {
				return failed(err, path)
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
