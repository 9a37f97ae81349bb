package edit

import (
	"bytes"
	"io"
	"net/http"
)

// chain is the stages of one request, in their order.
type chain []*stage

func newChain(edits []replacement, last io.Writer) chain {
	stages := make(chain, len(edits))
	for i := len(edits) - 1; i >= 0; i-- {
		stages[i] = newStage(edits[i], last)
		last = stages[i]
	}
	return stages
}

// run sends all of from through the stages into last.
func (c chain) run(r *http.Request, from io.Reader, last io.Writer) error {
	first := last
	if len(c) > 0 {
		first = c[0]
	}
	if err := feed(r, from, first); err != nil {
		return err
	}
	for _, s := range c {
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}

// firstLines gives where the first new text of each stage begins in the finished file: later stages may have put lines
// before it.
func (c chain) firstLines() []int {
	lines := make([]int, len(c))
	for i, s := range c {
		lines[i] = s.lines[0]
		for _, later := range c[i+1:] {
			added := bytes.Count(later.edit.new, newline) - bytes.Count(later.edit.old, newline)
			before := 0
			for before < len(later.lines) && later.lines[before] < lines[i] {
				before++
			}
			lines[i] += added * before
		}
	}
	return lines
}

// output writes the result in large pieces and counts its lines.
type output struct {
	to       io.Writer
	pending  []byte
	newlines int
	last     byte
	any      bool
}

func (o *output) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o.newlines += bytes.Count(p, newline)
	o.any, o.last = true, p[len(p)-1]
	large := len(p) >= chunkBytes/2
	if large || len(o.pending)+len(p) > chunkBytes {
		if err := o.flush(); err != nil {
			return 0, err
		}
	}
	if large {
		return o.to.Write(p)
	}
	o.pending = append(o.pending, p...)
	return len(p), nil
}

func (o *output) flush() error {
	_, err := o.to.Write(o.pending)
	o.pending = o.pending[:0]
	return err
}

// totalLines counts a last line that is not terminated.
func (o *output) totalLines() int {
	if o.any && o.last != '\n' {
		return o.newlines + 1
	}
	return o.newlines
}
