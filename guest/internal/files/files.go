// Package files serves the file requests of the guest protocol.
//
// Whatever runs in the machine may change the tree under our feet, so an operation holds the directory it works in
// (os.Root) instead of resolving a path twice, opens nothing that could block, and shows a result only when it is whole.
package files

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// Register adds the routes to mux.
func Register(mux *http.ServeMux) {
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) (any, error){
		"GET /v1/files/stat":    stat,
		"GET /v1/files/list":    list,
		"GET /v1/files/read":    read,
		"PUT /v1/files/write":   write,
		"POST /v1/files/mkdir":  mkdir,
		"POST /v1/files/remove": remove,
		"POST /v1/files/move":   transfer(moveEntry),
		"POST /v1/files/copy":   transfer(copyEntry),
	} {
		mux.HandleFunc(pattern, wire.Handler(handle))
	}
}

const chunkBytes = 256 << 10

// buffers are shared by everything that moves bytes.
var buffers = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// Failed gives err a code and says which path it is about: an error from below a held directory names its last part alone.
func Failed(err error, path string) error {
	var known *wire.Error
	if errors.As(err, &known) {
		return known
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return wire.FromOS(fmt.Errorf("%q: %w", path, err), path)
}

// trimSlashes drops what a directory's path may end in.
func trimSlashes(path string) string {
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" {
		return trimmed
	}
	return "/"
}
