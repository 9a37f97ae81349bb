package egress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
)

// SOCKS version 5: RFC 1928.
const (
	socksVersion   = 5
	socksNoAuth    = 0
	socksNoMethod  = 0xff
	socksConnect   = 1
	socksIPv4      = 1
	socksName      = 3
	socksIPv6      = 4
	socksSucceeded = 0
	// Replies.
	socksFailure    = 1
	socksRefused    = 2 // not allowed by the ruleset
	socksNoHost     = 4
	socksNoCommand  = 7
	socksNoAddress  = 8
	socksMethodBits = 255
)

var errSocks = errors.New("expected a SOCKS 5 request")

// isSocks tells by the first byte, which no HTTP request has.
func isSocks(reader *bufio.Reader) bool {
	start, err := reader.Peek(1)
	return err == nil && start[0] == socksVersion
}

// readSocks does the greeting and reads the request. reply is what to answer when it fails, 0 for nothing.
func readSocks(reader *bufio.Reader, writer io.Writer) (host string, port int, reply byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(reader, head[:2]); err != nil || head[0] != socksVersion {
		return "", 0, 0, errSocks
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(reader, methods); err != nil {
		return "", 0, 0, errSocks
	}
	method := byte(socksNoMethod)
	for _, offered := range methods {
		if offered == socksNoAuth {
			method = socksNoAuth
		}
	}
	if _, err := writer.Write([]byte{socksVersion, method}); err != nil || method == socksNoMethod {
		return "", 0, 0, errSocks
	}
	if _, err := io.ReadFull(reader, head[:]); err != nil || head[0] != socksVersion {
		return "", 0, 0, errSocks
	}
	address, reply, err := readAddress(reader, head[3])
	if err != nil {
		return "", 0, reply, err
	}
	var portBytes [2]byte
	if _, err := io.ReadFull(reader, portBytes[:]); err != nil {
		return "", 0, 0, errSocks
	}
	port = int(binary.BigEndian.Uint16(portBytes[:]))
	switch {
	case head[1] != socksConnect:
		return "", 0, socksNoCommand, errSocks
	case port == 0 || !validHost(address):
		return "", 0, socksFailure, errSocks
	}
	return address, port, socksSucceeded, nil
}

func readAddress(reader *bufio.Reader, kind byte) (address string, reply byte, err error) {
	length := 0
	switch kind {
	case socksIPv4:
		length = net.IPv4len
	case socksIPv6:
		length = net.IPv6len
	case socksName:
		first, err := reader.ReadByte()
		if err != nil {
			return "", 0, errSocks
		}
		length = int(first)
	default:
		return "", socksNoAddress, errSocks
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(reader, raw); err != nil {
		return "", 0, errSocks
	}
	if kind == socksName {
		return string(raw), 0, nil
	}
	// Not net.IP's own String: it writes ::ffff:127.0.0.1 as 127.0.0.1, and the host is to see what was asked for.
	if kind == socksIPv6 && net.IP(raw).To4() != nil {
		return "::ffff:" + net.IP(raw).To4().String(), 0, nil
	}
	return net.IP(raw).String(), 0, nil
}

// socksReply is the answer to a request; the bound address is of no use to anybody.
func socksReply(code byte) []byte {
	return []byte{socksVersion, code, 0, socksIPv4, 0, 0, 0, 0, 0, 0}
}
