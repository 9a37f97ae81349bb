package files

import (
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// pathMax is the kernel's PATH_MAX without the final NUL.
const pathMax = 4095

// PathOf reads an absolute path from the query; its bytes stay as they came.
func PathOf(r *http.Request, name string) (string, error) {
	path := r.URL.Query().Get(name)
	return path, CheckPath(path, name)
}

// CheckPath refuses what is no absolute path; name is the parameter's.
func CheckPath(path, name string) error {
	var wrong *wire.Error
	switch {
	case path == "":
		wrong = wire.Errorf("invalid_argument", "expected an absolute path, got nothing")
	case len(path) > pathMax:
		wrong = wire.Errorf("invalid_argument", "expected a path of at most %d bytes, got %d", pathMax, len(path))
	case strings.IndexByte(path, 0) >= 0:
		wrong = wire.Errorf("invalid_argument", "expected a path without NUL, got %q", path)
	case path[0] != '/':
		wrong = wire.Errorf("invalid_argument", "expected an absolute path, got %q", path)
	default:
		return nil
	}
	return wrong.With("parameter", name)
}

// modeOf reads permission bits from the query; absent gives nil.
func modeOf(r *http.Request) (*os.FileMode, error) {
	text := r.URL.Query().Get("mode")
	if text == "" {
		return nil, nil
	}
	mode, err := parseMode(text)
	if err != nil {
		return nil, err
	}
	return &mode, nil
}

// parseMode reads octal digits such as 644 or 4755.
func parseMode(text string) (os.FileMode, error) {
	bits, err := strconv.ParseUint(text, 8, 32)
	if err != nil || bits > 0o7777 {
		return 0, wire.Errorf("invalid_argument", "expected mode to be octal, 0 to 7777, got %q", text)
	}
	return fileMode(uint32(bits)), nil
}

// fileMode translates the kernel's bits: Go keeps setuid, setgid and sticky elsewhere.
func fileMode(bits uint32) os.FileMode {
	mode := os.FileMode(bits & 0o777)
	if bits&syscall.S_ISUID != 0 {
		mode |= os.ModeSetuid
	}
	if bits&syscall.S_ISGID != 0 {
		mode |= os.ModeSetgid
	}
	if bits&syscall.S_ISVTX != 0 {
		mode |= os.ModeSticky
	}
	return mode
}

// rangeOf reads offset and length from the query; no length is as far as a file can go.
func rangeOf(r *http.Request) (offset, length int64, err error) {
	if offset, err = wire.Int(r, "offset", 0, 0, math.MaxInt64); err != nil {
		return 0, 0, err
	}
	length, err = wire.Int(r, "length", math.MaxInt64, 0, math.MaxInt64)
	return offset, length, err
}

// resolveRange clips what was asked to what a file of size bytes has.
func resolveRange(size, offset, length int64) (start, count int64) {
	size = max(size, 0)
	start = min(max(offset, 0), size)
	return start, min(max(length, 0), size-start)
}
