// Package system answers what runs in the machine and what it uses: processes, metrics, listening ports, installed tools.
//
// Parsers are functions of text. What they read may be chosen by programs of the guest, so every read is bounded and nothing that is
// a program's own choice goes out unescaped.
package system

import (
	"net/http"

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
