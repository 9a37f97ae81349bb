package files

import (
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"lms-computer/guest/internal/wire"
)

// Entry describes a file to the host.
type Entry struct {
	Name       string `json:"name"`
	NameBase64 string `json:"nameBase64,omitempty"`
	Path       string `json:"path"`
	Type       string `json:"type"`
	Size       int64  `json:"size"`
	Mode       uint32 `json:"mode"`
	MtimeMs    int64  `json:"mtimeMs"`
	UID        uint32 `json:"uid"`
	GID        uint32 `json:"gid"`
	Target     string `json:"target,omitempty"`
}

// EntryOf describes what is at path; target is a symlink's text.
func EntryOf(path string, info os.FileInfo, target string) Entry {
	sys := info.Sys().(*syscall.Stat_t)
	_, name := splitPath(trimSlashes(path))
	if name == "" {
		name = "/"
	}
	e := Entry{
		Name: name, Path: path, Type: typeOf(sys.Mode), Size: sys.Size, Mode: sys.Mode & 0o7777,
		MtimeMs: info.ModTime().UnixMilli(), UID: sys.Uid, GID: sys.Gid, Target: target,
	}
	if !utf8.ValidString(name) { // JSON puts U+FFFD for the bytes
		e.NameBase64 = base64.StdEncoding.EncodeToString([]byte(name))
	}
	return e
}

func typeOf(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return "file"
	case syscall.S_IFDIR:
		return "directory"
	case syscall.S_IFLNK:
		return "symlink"
	case syscall.S_IFIFO:
		return "fifo"
	case syscall.S_IFSOCK:
		return "socket"
	default:
		return "device"
	}
}

// notAFile is the error for what has no content of its own to read or replace.
func notAFile(path string, info os.FileInfo) error {
	kind := typeOf(info.Sys().(*syscall.Stat_t).Mode)
	return wire.Errorf("not_a_file", "expected %q to be a regular file, it is a %s", path, kind).With("path", path).With("type", kind)
}

func stat(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	return describe(path, wire.Flag(r, "follow"))
}

func describe(path string, follow bool) (any, error) {
	look := os.Lstat
	if follow {
		look = os.Stat
	}
	info, err := look(path)
	if err != nil {
		return nil, Failed(err, path)
	}
	target := ""
	if info.Mode()&os.ModeSymlink != 0 {
		if target, err = os.Readlink(path); err != nil {
			return nil, Failed(err, path)
		}
	}
	return EntryOf(path, info, target), nil
}

// splitPath cuts at the last slash. The directory keeps it, so that opening one which is a FIFO fails and never blocks.
func splitPath(path string) (dir, name string) {
	cut := strings.LastIndexByte(path, '/') + 1
	return path[:cut], path[cut:]
}
