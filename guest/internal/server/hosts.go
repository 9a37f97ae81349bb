package server

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// nameLoopback writes the names of the loopback where nobody has: an engine does so together with the network it makes, and a machine without one
// has a loopback all the same.
func nameLoopback(path string) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	}
	head := make([]byte, 64<<10)
	n, _ := file.ReadAt(head, 0)
	if n == len(head) || bytes.Contains(head[:n], []byte("localhost")) {
		return
	}
	hostname, _ := os.Hostname()
	_, _ = fmt.Fprintf(file, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t%s\n", hostname)
}
