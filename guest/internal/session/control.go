package session

import (
	"bytes"
	"strconv"
)

// What a shell reports on its control FIFO, in records that begin with NUL and a letter:
//
//	\0B<nonce>\0                         a command begins
//	\0D<nonce> <status>\0<directory>\0   it has ended
//	\0X<directory>\0                     the shell ends (from its trap)
//
// Anything may stand between (a DEBUG trap of the command's prints there), and any process of the machine may write to the FIFO:
// only a report with the nonce of the command that runs is believed, and the last kind only when the shell has in fact ended. The shell
// sends one NUL more in front of each: it ends a record that somebody else has begun.
type report struct {
	kind   byte
	status int
	text   string // the nonce of the first kind, the directory of the others
}

const (
	begins = 'B'
	ended  = 'D'
	exits  = 'X'
)

// A directory's name in a report is at most PATH_MAX; what is longer is no report of ours.
const maxReportBytes = 64 << 10

// control takes the bytes of one FIFO apart.
type control struct{ buffer []byte }

// feed adds bytes and returns what was reported; nonce is the one that is believed.
func (c *control) feed(data []byte, nonce string) (reports []report) {
	c.buffer = append(c.buffer, data...)
	rest := c.buffer
	for {
		start := bytes.IndexByte(rest, 0)
		if start < 0 {
			rest = nil
			break
		}
		rest = rest[start:]
		r, length, complete := parseReport(rest, nonce)
		if !complete {
			break
		}
		if length > 0 {
			reports = append(reports, r)
		}
		rest = rest[max(length, 1):] // 0: no report of ours begins at this NUL
	}
	rest = rest[max(len(rest)-maxReportBytes, 0):]
	c.buffer = append(c.buffer[:0], rest...)
	return reports
}

// parseReport reads one record at the start of data, once it is complete. length 0: it is none.
func parseReport(data []byte, nonce string) (r report, length int, complete bool) {
	if len(data) < 2 {
		return r, 0, false
	}
	r.kind = data[1]
	at := 2
	switch r.kind {
	case begins, exits:
	case ended:
		head, _, found := bytes.Cut(data[at:], []byte{0})
		name, status, spaced := bytes.Cut(head, []byte{' '})
		if !found {
			return r, 0, false
		}
		n, err := strconv.Atoi(string(status))
		if nonce == "" || !spaced || string(name) != nonce || err != nil || n < 0 || n > 255 {
			return r, 0, true
		}
		r.status = n
		at += len(head) + 1
	default:
		return r, 0, true
	}
	text, _, found := bytes.Cut(data[at:], []byte{0})
	if !found {
		return r, 0, false
	}
	r.text = string(text)
	return r, at + len(text) + 1, true
}
