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
// only a report with the nonce of the command that runs is believed, and the last kind only when the shell has in fact ended.
type report struct {
	begin  bool // the first kind; its nonce is in cwd
	exit   bool // the last kind
	status int
	cwd    string
}

// A directory's name in a report is at most PATH_MAX; what is longer is no report of ours.
const maxReportBytes = 64 << 10

// control takes the bytes of one FIFO apart.
type control struct{ buffer []byte }

// feed adds bytes and returns what was reported; nonce is the one that is believed.
func (c *control) feed(data []byte, nonce string) []report {
	c.buffer = append(c.buffer, data...)
	var reports []report
	for {
		r, ok := c.next(nonce)
		if !ok {
			break
		}
		reports = append(reports, r)
	}
	if extra := len(c.buffer) - maxReportBytes; extra > 0 {
		c.consume(extra)
	}
	return reports
}

func (c *control) next(nonce string) (report, bool) {
	for {
		start := bytes.IndexByte(c.buffer, 0)
		if start < 0 {
			c.consume(len(c.buffer))
			return report{}, false
		}
		c.consume(start)
		r, length, complete := parseReport(c.buffer, nonce)
		switch {
		case length > 0:
			c.consume(length)
			return r, true
		case !complete:
			return report{}, false
		}
		c.consume(1) // no report of ours begins at this NUL
	}
}

// parseReport reads one record at the start of data. length 0: it is none, or (complete false) none yet.
func parseReport(data []byte, nonce string) (r report, length int, complete bool) {
	if len(data) < 2 {
		return r, 0, false
	}
	at := 2
	switch data[1] {
	case 'B':
		r.begin = true
	case 'X':
		r.exit = true
	case 'D':
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
	cwd, _, found := bytes.Cut(data[at:], []byte{0})
	if !found {
		return r, 0, false
	}
	r.cwd = string(cwd)
	return r, at + len(cwd) + 1, true
}

func (c *control) consume(n int) { c.buffer = append(c.buffer[:0], c.buffer[n:]...) }
