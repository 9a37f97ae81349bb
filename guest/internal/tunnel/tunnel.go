// Package tunnel joins a request to a port inside the machine: what listens there is reached from outside though the machine has no network.
package tunnel

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"lms-computer/guest/internal/wire"
)

const (
	dialTimeout = 5 * time.Second
	headerBytes = 4
	chunkBytes  = 32 << 10
	// largeBytes is read at once of a program that has filled the small buffer, as much as the host takes in one frame: a third less processor time.
	largeBytes = 256<<10 - headerBytes
	// maxTunnels and maxLarge bound what buffers take of the machine's memory: 64 MiB and 8 MiB.
	maxTunnels = 1024
	maxLarge   = 32
)

var tunnels, large atomic.Int32

// Register adds the route to mux.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/tunnel", wire.Handler(open))
}

func open(w http.ResponseWriter, r *http.Request) (any, error) {
	port, err := wire.Int(r, "port", 0, 1, 65535)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		return nil, wire.Errorf("invalid_argument", "expected a port from 1 to 65535, got none")
	}
	defer tunnels.Add(-1)
	if tunnels.Add(1) > maxTunnels {
		return nil, wire.Errorf("limit_reached", "the machine already has %d tunnels", maxTunnels).With("limit", maxTunnels)
	}
	conn, err := dial(r.Context(), int(port))
	if err != nil {
		return nil, err
	}
	if !Join(w, r, conn, conn) {
		panic(http.ErrAbortHandler) // resets the request: the other end learns that this was no orderly end
	}
	return nil, nil
}

// dial tries both loopback addresses: a server may listen on one of them alone.
func dial(ctx context.Context, port int) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var dialer net.Dialer
	var first error
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return conn.(*net.TCPConn), nil
		}
		if first == nil {
			first = err
		}
	}
	if errors.Is(first, syscall.ECONNREFUSED) {
		return nil, wire.Errorf("not_found", "nothing listens on port %d in the machine", port).With("port", port)
	}
	if errors.Is(first, context.DeadlineExceeded) {
		return nil, wire.Errorf("busy", "what listens on port %d in the machine accepts no connection", port).With("port", port)
	}
	var errno syscall.Errno
	if errors.As(first, &errno) {
		first = errno
	}
	return nil, wire.FromOS(first, "").With("port", port)
}

// Join copies both ways until both have ended, and tells whether both ended in order. What conn sends is read from reader.
func Join(w http.ResponseWriter, r *http.Request, conn *net.TCPConn, reader io.Reader) bool {
	defer conn.Close()
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.Header().Set("content-type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	sent := make(chan bool, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{conn}, r.Body, make([]byte, chunkBytes))
		if err == nil {
			_ = conn.CloseWrite() // fails when the program has closed all; the other way tells that
		} else {
			reset(conn)
		}
		sent <- err == nil
	}()
	if err := receive(w, control, reader); err != nil {
		reset(conn)
		return false
	}
	return <-sent
}

// receive frames what the program sends: HTTP/2 in net/http has no way to end an answer while the request is still read, so that the
// program's end of file is a frame too.
func receive(w io.Writer, control *http.ResponseController, reader io.Reader) error {
	buffer, asked := make([]byte, headerBytes+chunkBytes), false
	for {
		n, err := reader.Read(buffer[headerBytes:])
		if n > 0 || err == io.EOF {
			binary.BigEndian.PutUint32(buffer, uint32(n))
			if _, err := w.Write(buffer[:headerBytes+n]); err != nil {
				return err
			}
			if err := control.Flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == chunkBytes && !asked {
			asked = true
			defer large.Add(-1)
			if large.Add(1) <= maxLarge {
				buffer = make([]byte, headerBytes+largeBytes)
			}
		}
	}
}

// reset ends the connection as a crash would: the program must not take what it got for the whole.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
