package edit

import (
	"bytes"
	"io"

	"lms-computer/guest/internal/search/needle"
)

const (
	// maxCounted bounds the time spent on counting what fails anyway.
	maxCounted = 100_000
	// maxKept bounds the memory for line numbers.
	maxKept = 10_000
)

var newline = []byte{'\n'}

// stage replaces one text in a stream: the stages of one request are a chain, each works on the result of the one before,
// and no more than a piece of the file is in memory.
//
// Matches of what must be unique are counted where they overlap, too: "}}" is not unique in "}}}".
type stage struct {
	edit   replacement
	find   *needle.Finder
	next   io.Writer
	buffer []byte
	sent   int // of buffer: what went on
	seen   int // of buffer: no match begins before it that is not counted yet
	lined  int // of buffer: newlines before it are in newlines
	// newlines counts those before lined, from the beginning of the stream.
	newlines int
	count    int
	lines    []int // of the first matches, 1-based, in the stream as it came in
}

func newStage(edit replacement, next io.Writer) *stage {
	return &stage{edit: edit, find: needle.New(edit.old, false), next: next}
}

func (s *stage) Write(p []byte) (int, error) {
	s.buffer = append(s.buffer, p...)
	for s.count < maxCounted {
		i := s.find.Index(s.buffer[s.seen:])
		if i < 0 {
			break
		}
		if err := s.match(s.seen + i); err != nil {
			return 0, err
		}
	}
	s.seen = max(s.seen, len(s.buffer)-s.find.Len()+1)
	if err := s.pass(s.seen); err != nil {
		return 0, err
	}
	s.drop()
	return len(p), nil
}

func (s *stage) match(at int) error {
	s.newlines += bytes.Count(s.buffer[s.lined:at], newline)
	s.lined = at
	if len(s.lines) < maxKept {
		s.lines = append(s.lines, s.newlines+1)
	}
	s.count++
	s.seen = at + 1
	if s.count > 1 && !s.edit.all {
		return nil // an error in the end
	}
	if err := s.pass(at); err != nil {
		return err
	}
	s.sent = at + len(s.edit.old)
	if s.edit.all {
		s.seen = s.sent
	}
	_, err := s.next.Write(s.edit.new)
	return err
}

// pass sends on what comes before end.
func (s *stage) pass(end int) error {
	if end <= s.sent {
		return nil
	}
	piece := s.buffer[s.sent:end]
	s.sent = end
	_, err := s.next.Write(piece)
	return err
}

// drop forgets what is done with. Only when that is at least half: a long text to find is not moved about for each piece.
func (s *stage) drop() {
	done := min(s.sent, s.seen)
	if done < len(s.buffer)/2 {
		return
	}
	if done > s.lined {
		s.newlines += bytes.Count(s.buffer[s.lined:done], newline)
		s.lined = done
	}
	s.buffer = s.buffer[:copy(s.buffer, s.buffer[done:])]
	s.sent, s.seen, s.lined = s.sent-done, s.seen-done, s.lined-done
}

// end sends on what was held back.
func (s *stage) end() error { return s.pass(len(s.buffer)) }

// done says whether as much was found as must be.
func (s *stage) done() bool { return s.count == 1 || s.count > 1 && s.edit.all }
