package edit

import "bytes"

// maxSegment bounds what is compared at once: a longer line comes in parts.
const maxSegment = 4 << 10

// segment is a line with its ending, or a part of a long one.
type segment struct {
	text []byte
	line int
}

// splitter cuts a stream into segments, which are each's only while it runs.
type splitter struct {
	each  func(segment)
	carry []byte
	line  int // complete lines so far
}

func (s *splitter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest[:min(len(rest), maxSegment-len(s.carry))], '\n') + 1
		if i == 0 && len(s.carry)+len(rest) < maxSegment {
			s.carry = append(s.carry, rest...)
			break
		}
		if i == 0 {
			i = maxSegment - len(s.carry)
		}
		text := rest[:i]
		if len(s.carry) > 0 {
			s.carry = append(s.carry, text...)
			text = s.carry
		}
		s.give(text)
		s.carry, rest = s.carry[:0], rest[i:]
	}
	return len(p), nil
}

func (s *splitter) give(text []byte) {
	s.each(segment{text, s.line + 1})
	if text[len(text)-1] == '\n' {
		s.line++
	}
}

func (s *splitter) end() {
	if len(s.carry) > 0 {
		s.give(s.carry)
		s.carry = nil
	}
}

// segmentsOf cuts text whole.
func segmentsOf(text []byte) (all []segment) {
	s := splitter{each: func(one segment) {
		all = append(all, segment{bytes.Clone(one.text), one.line})
	}}
	_, _ = s.Write(text)
	s.end()
	return all
}
