package files

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"lms-computer/guest/internal/wire"
)

// appendContent writes to the end of the file itself. A body of up to one chunk (256 KiB) is one write, whole or not at
// all; of a longer one that is cut short, the chunks that came stay.
func appendContent(r *http.Request, path string, mode *os.FileMode) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, notAFile(path, info) // before the body is read
	}
	var f *os.File
	for chunk, err := range chunks(r) {
		if err == nil && f == nil {
			if f, err = openAppend(path, mode); err == nil {
				defer f.Close()
			}
		}
		if err == nil {
			_, err = f.Write(chunk)
		}
		if err != nil {
			return nil, err
		}
	}
	return f.Stat()
}

// openAppend opens what is there, or makes it. Not O_CREATE at once: with fs.protected_regular the kernel refuses it on
// another user's file in /tmp, even to root.
func openAppend(path string, mode *os.FileMode) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | openFlags
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if strings.HasSuffix(path, "/") {
			return nil, wire.Errorf("not_a_file", "expected a file, got %q, which can only be a directory", path).With("path", path)
		}
		p, err := makePlace(path)
		if err != nil {
			return nil, err
		}
		p.close()
		if f, err = os.OpenFile(path, flags|os.O_CREATE, 0o644); err != nil {
			p.made.Abandon()
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notAFile(path, info)
	}
	if err == nil && mode != nil {
		err = f.Chmod(*mode)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
