package search

import (
	"bytes"
	"context"
	"syscall"
)

const (
	bufferBytes = 256 << 10
	// maxLine is how much of a line is looked at in one piece; a longer one is looked at as several.
	maxLine = 4 << 20
	// sniffBytes is where a NUL makes a file binary.
	sniffBytes = 8 << 10
)

// scanner looks through files, one at a time. It belongs to one goroutine.
type scanner struct {
	ctx     context.Context
	pattern *pattern
	filter  filter
	matcher *matcher
	context int
	report  *report
	full    func() // called when the report holds much
	buffer  []byte

	left    int // matches still wanted
	counted int // offset in the buffer: newlines before it are in line
	line    int // number of the line at counted
	printed int // offset: lines before it are reported, or too far before
	after   int // lines of context that may still follow
}

// scan reports the matches of one file, left at most. It fails when the file cannot be read.
func (s *scanner) scan(path string, follow bool) (binary bool, err error) {
	fd, err := open(path, follow, 0)
	if err != nil {
		return false, err
	}
	defer syscall.Close(fd)
	s.counted, s.line, s.printed, s.after = 0, 1, 0, 0
	from, end := 0, 0 // of the buffer: what was not looked at yet, and where its bytes end
	for first, done := true, false; !done && s.left > 0; first = false {
		if err := s.ctx.Err(); err != nil {
			return false, err
		}
		if end, err = s.fill(fd, end); err != nil {
			return false, err
		}
		done = end < len(s.buffer)
		if first && bytes.IndexByte(s.buffer[:min(end, sniffBytes)], 0) >= 0 {
			return true, nil
		}
		until := end
		if last := bytes.LastIndexByte(s.buffer[from:end], '\n'); !done && (last >= 0 || len(s.buffer) < maxLine) {
			until = from + last + 1
		}
		s.look(s.buffer[:until], from)
		if !done {
			from, end = s.shift(until, end)
		}
	}
	if len(s.buffer) > bufferBytes {
		s.buffer = make([]byte, bufferBytes)
	}
	return false, nil
}

func (s *scanner) fill(fd, end int) (int, error) {
	for end < len(s.buffer) {
		n, err := retry(func() (int, error) { return syscall.Read(fd, s.buffer[end:]) })
		if err != nil {
			return end, err
		}
		if n <= 0 {
			break
		}
		end += n
	}
	return end, nil
}

// shift makes room: it keeps what was not looked at, and the lines before it that may be context.
func (s *scanner) shift(until, end int) (from, newEnd int) {
	keep := until
	if s.context > 0 {
		keep = max(s.back(s.buffer[:until], until, s.context), until-len(s.buffer)/4)
	}
	s.lineAt(s.buffer, keep)
	newEnd = copy(s.buffer, s.buffer[keep:end])
	s.counted, s.printed = 0, max(0, s.printed-keep)
	if newEnd > len(s.buffer)/2 { // a long line
		s.buffer = append(s.buffer, make([]byte, len(s.buffer))...)
	}
	return until - keep, newEnd
}

// back gives where the line begins that is n lines before the one at offset at.
func (s *scanner) back(text []byte, at, n int) int {
	for ; n > 0 && at > 0; n-- {
		at = bytes.LastIndexByte(text[:at-1], '\n') + 1
	}
	return at
}

// lineAt gives the number of the line that begins at an offset; offsets must not decrease.
func (s *scanner) lineAt(text []byte, at int) int {
	if at > s.counted {
		s.line += bytes.Count(text[s.counted:at], []byte{'\n'})
		s.counted = at
	}
	return s.line
}

// look tries the lines of text from an offset on.
func (s *scanner) look(text []byte, from int) {
	filtered := s.pattern.filtered(text)
	if filtered {
		s.filter.Reset(text)
	}
	for at := from; at < len(text) && s.left > 0; {
		begin, hit := at, at
		if filtered {
			if hit = s.filter.Next(at); hit < 0 {
				break
			}
			begin = at + bytes.LastIndexByte(text[at:hit], '\n') + 1
		}
		stop := len(text)
		if i := bytes.IndexByte(text[hit:], '\n'); i >= 0 {
			stop = hit + i
		}
		line := text[begin:stop]
		if last := len(line) - 1; last >= 0 && line[last] == '\r' {
			line = line[:last]
		}
		if match, ok := s.matcher.find(line); ok {
			s.match(text, begin, stop, line, match)
		}
		at = stop + 1
	}
	s.trail(text, len(text))
}

func (s *scanner) match(text []byte, begin, stop int, line []byte, match span) {
	if s.context > 0 {
		s.trail(text, begin)
		start := max(s.back(text, begin, s.context), min(s.printed, begin))
		before := bytes.Count(text[start:begin], []byte{'\n'})
		for number := s.lineAt(text, begin) - before; start < begin; number++ {
			next := start + bytes.IndexByte(text[start:], '\n') + 1
			s.report.context(number, text[start:next])
			start = next
		}
		s.after = s.context
	}
	s.report.match(s.lineAt(text, begin), line, match)
	s.printed = min(stop+1, len(text))
	s.left--
	if len(s.report.buffer) >= handOverBytes {
		s.report.cut()
		s.full()
	}
}

// trail reports the lines that follow a match, up to an offset.
func (s *scanner) trail(text []byte, until int) {
	for ; s.after > 0 && s.printed < until; s.after-- {
		next := until
		if i := bytes.IndexByte(text[s.printed:until], '\n'); i >= 0 {
			next = s.printed + i + 1
		}
		s.report.context(s.lineAt(text, s.printed), text[s.printed:next])
		s.printed = next
	}
}
