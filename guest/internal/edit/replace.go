package edit

import (
	"io"
	"net/http"
	"os"

	"lms-computer/guest/internal/files"
)

// replaced is the answer: counts and lines are in the order of the replacements.
type replaced struct {
	files.Entry
	Replaced   []int `json:"replaced"`
	FirstLines []int `json:"firstLines"`
	TotalLines int   `json:"totalLines"`
}

func replace(_ http.ResponseWriter, r *http.Request) (any, error) {
	path, err := files.PathOf(r, "path")
	if err != nil {
		return nil, err
	}
	edits, matchLineEndings, err := parseReplace(r)
	if err != nil {
		return nil, err
	}
	var answer replaced
	answer.Entry, err = files.Edit(r, path, func(from, to *os.File) error {
		if matchLineEndings {
			ending, err := lineEndingOf(from)
			if err != nil {
				return err
			}
			adaptLineEndings(edits, ending)
		}
		out := &output{to: to}
		stages := newChain(edits, out)
		if err := stages.run(r, from, out); err != nil {
			return err
		}
		for i, s := range stages {
			if !s.done() {
				return refuse(r, path, from, edits, i, s)
			}
			answer.Replaced = append(answer.Replaced, s.count)
		}
		answer.FirstLines, answer.TotalLines = stages.firstLines(), out.totalLines()
		return out.flush()
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// again gives the stream that replacement index worked on, once more.
func again(r *http.Request, from *os.File, edits []replacement, index int, to io.Writer) error {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return newChain(edits[:index], to).run(r, from, to)
}
