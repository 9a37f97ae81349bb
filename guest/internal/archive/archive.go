// Package archive moves files and whole folders in and out of the machine as tar streams of any size.
package archive

import (
	"net/http"
	"os"
	"path"
	"sync"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// Register adds the routes to mux.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/archive/put", wire.Handler(put))
	mux.HandleFunc("GET /v1/archive/get", wire.Handler(get))
}

// Records of our own in a PAX header, for what tar has no one way to say: where the data of a sparse file is, as `offset,length,…`, and the
// size of the whole; and for the archive how many entries were left out.
const (
	recordMap     = "LMS.map"
	recordSize    = "LMS.size"
	recordSkipped = "LMS.skipped"
)

const chunkBytes = 256 << 10

var buffers = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// permissions of a header or a file, without setuid and setgid unless they are to be kept.
func permissions(bits int64, keepSetuid bool) os.FileMode {
	mode := os.FileMode(bits & 0o777)
	if bits&syscall.S_ISVTX != 0 {
		mode |= os.ModeSticky
	}
	if keepSetuid && bits&syscall.S_ISUID != 0 {
		mode |= os.ModeSetuid
	}
	if keepSetuid && bits&syscall.S_ISGID != 0 {
		mode |= os.ModeSetgid
	}
	return mode
}

// parentOf cuts a cleaned absolute path.
func parentOf(at string) (dir, name string) {
	dir, name = path.Split(path.Clean(at))
	return dir, name
}
