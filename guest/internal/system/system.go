// Package system answers what runs in the machine and what it uses: processes, metrics, listening ports, installed tools.
//
// Parsers are functions of text. What they read may be chosen by programs of the guest, so every read is bounded and nothing that is
// a program's own choice goes out unescaped.
package system

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"lms-computer/guest/internal/wire"
)

// Register adds the routes to mux. home is on the disk that is measured, usage what the machine itself has written there and may write.
func Register(mux *http.ServeMux, home string, usage func() (used, limit *uint64)) {
	mux.HandleFunc("GET /v1/processes", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) { return listProcesses("/"), nil }))
	mux.HandleFunc("POST /v1/processes/{pid}/signal", wire.Handler(signalProcess))
	mux.HandleFunc("GET /v1/metrics", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) {
		is := measure("/", home)
		is.Disk.WrittenBytes, is.Disk.LimitBytes = usage()
		return is, nil
	}))
	mux.HandleFunc("GET /v1/ports", wire.Handler(func(http.ResponseWriter, *http.Request) (any, error) { return listPorts("/"), nil }))
	mux.HandleFunc("GET /v1/tools", wire.Handler(tools))
}

// read gives the first limit bytes of a regular file, or nothing: root in the guest may put another in its place. root is / but in tests.
func read(limit int64, root string, path ...string) []byte {
	f, err := os.OpenFile(filepath.Join(append([]string{root}, path...)...), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	content, _ := io.ReadAll(io.LimitReader(f, limit))
	return content
}

const smallBytes = 64 << 10
