package server

import (
	"io"
	"net"
	"os"
)

// join copies both ways until the agent's side ends. Plain copies with a large buffer: the descriptors of an exec may be pipes or sockets, and
// splice between them is slower for small messages.
func join(conn *net.UnixConn, in, out *os.File) error {
	go func() {
		buffer := make([]byte, 256<<10)
		_, _ = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{in}, buffer)
		_ = conn.CloseWrite()
	}()
	buffer := make([]byte, 256<<10)
	_, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{conn}, buffer)
	return err
}
