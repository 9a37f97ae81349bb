package edit

import (
	"bytes"
	"io"
	"net/http"
	"os"

	"lms-computer/guest/internal/files"
	"lms-computer/guest/internal/wire"
)

type insertRequest struct {
	AfterLine *int
	Text      string
}

type inserted struct {
	files.Entry
	FirstLine     int `json:"firstLine"`
	InsertedLines int `json:"insertedLines"`
	TotalLines    int `json:"totalLines"`
}

func insert(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	var request insertRequest
	if err := body(r, &request); err != nil {
		return nil, err
	}
	switch {
	case request.AfterLine == nil || *request.AfterLine < 0:
		return nil, wire.Errorf("invalid_argument", "expected afterLine, the number of the line to insert after, 0 or more")
	case request.Text == "":
		return nil, wire.Errorf("invalid_argument", "expected text to insert, got nothing")
	}
	var answer inserted
	answer.Entry, err = files.Edit(r, path, func(from, to *os.File) error {
		ending, err := lineEndingOf(from)
		if err != nil {
			return err
		}
		out := &output{to: to}
		splice := newSplice(*request.AfterLine, []byte(request.Text), ending, out)
		if err := feed(r, from, splice); err != nil {
			return err
		}
		if err := splice.end(); err != nil {
			return err
		}
		answer.FirstLine, answer.InsertedLines, answer.TotalLines = splice.passed+1, splice.lines(), out.totalLines()
		return out.flush()
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// splice puts whole lines into a stream.
type splice struct {
	after  int // lines to pass before it
	passed int
	text   []byte // without its last line ending
	ending []byte
	next   *output
	done   bool
}

func newSplice(after int, text []byte, ending string, next *output) *splice {
	text = withLineEnding(text, ending)
	if ending == "" { // the file does not tell: as the text has it
		if ending = "\n"; bytes.Contains(text, []byte("\r\n")) {
			ending = "\r\n"
		}
	}
	return &splice{after: after, text: bytes.TrimSuffix(text, []byte(ending)), ending: []byte(ending), next: next}
}

func (s *splice) lines() int { return bytes.Count(s.text, newline) + 1 }

func (s *splice) Write(p []byte) (int, error) {
	at := 0
	for !s.done && s.passed < s.after {
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			return s.next.Write(p)
		}
		at += i + 1
		s.passed++
	}
	if s.done {
		return s.next.Write(p)
	}
	s.done = true
	return len(p), s.write(p[:at], s.text, s.ending, p[at:])
}

// end is the end of the file. Where that has no line ending it has none afterwards.
func (s *splice) end() error {
	switch {
	case s.done:
		return nil
	case s.next.any && s.next.last != '\n':
		s.passed++
		return s.write(s.ending, s.text)
	default:
		return s.write(s.text, s.ending)
	}
}

func (s *splice) write(pieces ...[]byte) error {
	for _, piece := range pieces {
		if _, err := io.Writer(s.next).Write(piece); err != nil {
			return err
		}
	}
	return nil
}
