package egress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

const (
	// headTimeout is how long a client may take to say what it wants.
	headTimeout = 30 * time.Second
	// drainTimeout is how long a refused client's last bytes are read, so that a reset does not overtake the answer.
	drainTimeout = time.Second
	drainBytes   = 256 << 10
)

// proxy serves one client of either listener: SOCKS and HTTP tell themselves apart.
func (e *Egress) proxy(conn *net.TCPConn) {
	_ = conn.SetReadDeadline(time.Now().Add(headTimeout))
	reader := bufio.NewReaderSize(conn, maxHeadBytes)
	wanted := announcement{Via: "http"}
	switch {
	case isSocks(reader):
		host, port, reply, err := readSocks(reader, conn)
		if err != nil {
			if reply != 0 {
				_, _ = conn.Write(socksReply(reply))
			}
			return
		}
		wanted = announcement{Via: "socks", Host: host, Port: port}
	case isConnect(reader):
		host, port, err := readConnect(reader)
		if err != nil {
			answer(conn, reader, refusal{Status: http.StatusBadRequest, Reason: "Bad Request", Text: err.Error() + "\n"})
			return
		}
		wanted = announcement{Via: "connect", Host: host, Port: port}
	default:
		if _, err := reader.Peek(1); err != nil {
			return
		}
	}
	_ = conn.SetReadDeadline(time.Time{})
	e.carriers.offer(newConnection(conn, reader, wanted))
}

// refusal is what a client gets instead of a connection.
type refusal struct {
	Status int    `json:"status"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// unattended is what there is when no host process can carry.
var unattended = refusal{
	Status: http.StatusServiceUnavailable,
	Reason: "No lms-computer process is connected",
	Text: "This computer has no network of its own. Its connections are carried by the lms-computer process that uses it, and none is connected " +
		"now, or none that has the secret for this host.\nTry again while one is, such as during a command, or keep one open on the host.\n",
}

// proper bounds what comes from the host; it ends up in a header.
func (r refusal) proper() refusal {
	if r.Status < 400 || r.Status > 599 {
		r.Status = http.StatusForbidden
	}
	r.Reason = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) && c < 0x7f {
			return c
		}
		return ' '
	}, r.Reason[:min(len(r.Reason), 200)])
	r.Text = r.Text[:min(len(r.Text), 4096)]
	return r
}

// answer tells an HTTP client why not, in the reason phrase too: most programs show of the answer to a CONNECT nothing else.
func answer(conn *net.TCPConn, reader io.Reader, r refusal) {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n", r.Status, r.Reason, len(r.Text))
	_, _ = io.WriteString(conn, head+r.Text)
	_ = conn.CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, reader, drainBytes)
}

// refuse tells the client in the way it understands.
func (c *connection) refuse(r refusal) {
	switch c.wanted.Via {
	case "port":
		_ = c.conn.SetLinger(0)
	case "socks":
		code := byte(socksRefused)
		if r.Status != http.StatusForbidden {
			code = socksNoHost
		}
		_, _ = c.conn.Write(socksReply(code))
	default:
		answer(c.conn, c.reader, r.proper())
	}
}

// begin tells the client that bytes go through from now on.
func (c *connection) begin() error {
	var err error
	switch c.wanted.Via {
	case "socks":
		_, err = c.conn.Write(socksReply(socksSucceeded))
	case "connect":
		_, err = io.WriteString(c.conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	}
	return err
}
