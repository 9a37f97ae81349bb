// Package edit serves the requests that read and change text files by lines and by exact strings.
//
// A file passes through in pieces, whatever its size. Its bytes are never decoded: what is not replaced stays as it was.
package edit

import (
	"io"
	"net/http"

	"lms-computer/guest/internal/wire"
)

const (
	chunkBytes   = 64 << 10
	maxBodyBytes = 16 << 20
)

// Register adds the routes to mux.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/files/lines", wire.Handler(lines))
	mux.HandleFunc("POST /v1/files/replace", wire.Handler(replace))
	mux.HandleFunc("POST /v1/files/insert", wire.Handler(insert))
}

// feed writes all of from to next, until the request is canceled.
func feed(r *http.Request, from io.Reader, next io.Writer) error {
	buffer := make([]byte, chunkBytes)
	for {
		if err := r.Context().Err(); err != nil {
			return err
		}
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := next.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
