package egress

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
)

const (
	maxHeadBytes = 64 << 10
	maxHostBytes = 253
)

var (
	errHead   = errors.New("expected the head of an HTTP request, of at most 64 KiB")
	errTarget = errors.New("expected CONNECT with HOST:PORT")
)

// isConnect tells whether a request to a proxy is a CONNECT, without taking anything from the reader.
func isConnect(reader *bufio.Reader) bool {
	start, err := reader.Peek(len("CONNECT "))
	return err == nil && string(start) == "CONNECT "
}

// readConnect takes the head of a CONNECT request; what follows it stays in the reader.
func readConnect(reader *bufio.Reader) (host string, port int, err error) {
	var first []byte
	for size, line := 0, 0; ; line++ {
		text, err := reader.ReadSlice('\n')
		if size += len(text); err != nil || size > maxHeadBytes {
			return "", 0, errHead
		}
		text = bytes.TrimRight(text, "\r\n")
		if line == 0 {
			first = bytes.Clone(text)
		} else if len(text) == 0 {
			break
		}
	}
	words := strings.Split(string(first), " ")
	if len(words) != 3 || words[0] != "CONNECT" || !strings.HasPrefix(words[2], "HTTP/1.") {
		return "", 0, errTarget
	}
	return splitTarget(words[1])
}

// splitTarget takes HOST:PORT apart; an IPv6 address is in brackets.
func splitTarget(target string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(target)
	if err != nil || !validHost(host) || text == "" || strings.Trim(text, "0123456789") != "" {
		return "", 0, errTarget
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, errTarget
	}
	return host, port, nil
}

// validHost bounds a name and keeps what would break a line out; what it means is the host's to say.
func validHost(host string) bool {
	if host == "" || len(host) > maxHostBytes {
		return false
	}
	for _, r := range host {
		if r <= ' ' || r == 0x7f || r == '"' || r == '\\' || r == 0xfffd {
			return false
		}
	}
	return true
}
