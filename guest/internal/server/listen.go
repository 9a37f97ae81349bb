package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func listen(o Options) (net.Listener, error) {
	if o.ListenFD >= 0 {
		file := os.NewFile(uintptr(o.ListenFD), "listener")
		defer file.Close()
		return net.FileListener(file)
	}
	return listenAt(o.Socket)
}

func listenAt(socket string) (net.Listener, error) {
	if err := makeDirectory(filepath.Dir(socket)); err != nil {
		return nil, err
	}
	_ = os.RemoveAll(socket)
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", socket)
}

// listenAgain makes the socket anew each time a HUP says that there is none: `rm -rf /run/*` is all it takes.
func listenAgain(socket string, serve func(net.Listener)) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	for range asked {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			continue
		}
		if listener, err := listenAt(socket); err == nil {
			serve(listener)
		}
	}
}

// How long Connect waits for an agent that starts, and when it takes it that the socket was deleted.
const (
	connectWait  = 3 * time.Second
	deletedAfter = 500 * time.Millisecond
)

// Connect joins stdio to the agent's socket.
func Connect(socket string) error {
	asked := false
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		switch waited := time.Since(began); {
		case err == nil:
			return join(conn.(*net.UnixConn), os.Stdin, os.Stdout)
		case waited > connectWait || !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Errorf("the agent does not answer: %w", err)
		case waited > deletedAfter && !asked:
			asked = true
			_ = syscall.Kill(1, syscall.SIGHUP)
		}
	}
}
