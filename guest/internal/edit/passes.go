package edit

import (
	"bytes"
	"net/http"
	"os"
)

// scan cuts the stream that replacement index worked on.
func scan(r *http.Request, from *os.File, edits []replacement, index int, each func(segment)) error {
	cut := splitter{each: each}
	if err := again(r, from, edits, index, &cut); err != nil {
		return err
	}
	cut.end()
	return nil
}

// collect gives the segments of each window.
func collect(r *http.Request, from *os.File, edits []replacement, index int, of []candidate, length int) ([][]segment, error) {
	windows := make([][]segment, len(of))
	at := 0
	err := scan(r, from, edits, index, func(s segment) {
		for i, c := range of {
			if at >= c.from && at < c.from+length {
				windows[i] = append(windows[i], segment{bytes.Clone(s.text), s.line})
			}
		}
		at++
	})
	return windows, err
}
