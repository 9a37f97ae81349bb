package edit

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"

	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

const (
	maxLinesBytes = 16 << 20
	// sniffBytes is where a NUL makes a file binary.
	sniffBytes = 8 << 10
)

// lines answers with a range of lines. The file is read twice, first to learn where lines begin: nothing is kept.
func lines(w http.ResponseWriter, r *http.Request) (any, error) {
	path, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	start, err := wire.Int(r, "start", 1, 1, math.MaxInt64-1)
	if err != nil {
		return nil, err
	}
	end, err := wire.Int(r, "end", math.MaxInt64-1, start, math.MaxInt64-1)
	if err != nil {
		return nil, err
	}
	limit, err := wire.Int(r, "maxBytes", maxLinesBytes, 1, maxLinesBytes)
	if err != nil {
		return nil, err
	}
	content, err := files.Open(r.Context(), path)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	found := lineRange{start: start, end: end, limit: limit}
	if err := feed(r, io.NewSectionReader(content, 0, content.Size), &found); err != nil {
		return nil, files.Failed(err, path)
	}
	found.finish()
	header := w.Header()
	for name, value := range map[string]int64{
		"lms-total-lines": found.total, "lms-start": start, "lms-end": max(found.last, start-1), "lms-offset": found.from,
		"lms-truncated": flag(found.truncated), "lms-binary": flag(found.binary),
	} {
		header.Set(name, strconv.FormatInt(value, 10))
	}
	return nil, content.Send(w, found.from, found.to-found.from)
}

func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// lineRange learns from a stream where lines start to end lie, and as many of them as fit into limit bytes: the first one
// always, cut if need be.
type lineRange struct {
	start, end, limit int64
	at                int64 // bytes so far
	newlines          int64
	lineFrom          int64 // where the line at hand begins
	from, to, last    int64 // bytes of the range, and its last line
	total             int64
	truncated, binary bool
}

func (l *lineRange) Write(p []byte) (int, error) {
	if l.at < sniffBytes && bytes.IndexByte(p[:min(int64(len(p)), sniffBytes-l.at)], 0) >= 0 {
		l.binary = true
	}
	rest := p
	for len(rest) > 0 {
		line := l.newlines + 1
		if line > l.end || l.truncated {
			break
		}
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			l.at += int64(len(rest))
			return len(p), nil
		}
		l.at += int64(i) + 1
		rest = rest[i+1:]
		l.newlines++
		l.take(line)
	}
	l.newlines += int64(bytes.Count(rest, newline))
	if len(rest) > 0 { // past the range only the last byte matters
		l.lineFrom = l.at + int64(bytes.LastIndexByte(rest, '\n')) + 1
		l.at += int64(len(rest))
	}
	return len(p), nil
}

// take has seen line to its end, which is at.
func (l *lineRange) take(line int64) {
	begin := l.lineFrom
	l.lineFrom = l.at
	if line < l.start || line > l.end || l.truncated {
		return
	}
	if line == l.start {
		l.from, l.to = begin, begin
	}
	if l.at-l.from > l.limit {
		l.truncated = true
		if line > l.start {
			return
		}
	}
	l.to, l.last = min(l.at, l.from+l.limit), line
}

func (l *lineRange) finish() {
	l.total = l.newlines
	if l.at > l.lineFrom {
		l.total++
		l.take(l.total)
	}
	if l.last == 0 {
		l.from, l.to = l.at, l.at
	}
}
