package search

import (
	"bufio"
	"encoding/json"
	"net/http"
	"time"
)

// writeBytes go to the server at once: a piece alone is often small, and each write costs it two switches of goroutines.
const writeBytes = 64 << 10

// summary is the last line of an answer.
type summary struct {
	Type       string `json:"type"`
	Files      int    `json:"files"` // with matches
	Matches    int    `json:"matches"`
	Truncated  bool   `json:"truncated"`
	Searched   int64  `json:"searched"`
	Binary     int64  `json:"binary"`
	Unreadable int    `json:"unreadable"`
}

// answer streams JSON lines.
type answer struct {
	w              http.ResponseWriter
	out            *bufio.Writer
	left           int // matches
	bytes          int
	begun          bool
	flushed        time.Time
	files, matches int
	truncated      bool
}

func (a *answer) begin() {
	if !a.begun {
		a.begun = true
		a.out = bufio.NewWriterSize(a.w, writeBytes)
		a.w.Header().Set("content-type", "application/x-ndjson")
	}
}

// take writes pieces, and says whether more are wanted.
func (a *answer) take(pieces []piece) bool {
	a.begin()
	for _, p := range pieces {
		data, ends := p.data, p.ends
		if a.truncated = len(ends) > a.left || a.bytes+len(data) > maxAnswerBytes; a.truncated {
			keep := min(len(ends), a.left)
			for keep > 0 && a.bytes+ends[keep-1] > maxAnswerBytes {
				keep--
			}
			if ends = ends[:keep]; keep == 0 {
				return false
			}
			data = data[:ends[keep-1]]
		}
		if p.first {
			a.files++
		}
		a.left -= len(ends)
		a.matches += len(ends)
		a.bytes += len(data)
		if _, err := a.out.Write(data); err != nil || a.truncated {
			return false
		}
	}
	if now := time.Now(); now.Sub(a.flushed) > flushInterval {
		a.flushed = now
		_ = a.out.Flush()
		_ = http.NewResponseController(a.w).Flush()
	}
	return true
}

func (a *answer) end(r *run, unreadable int) {
	a.begin()
	_ = json.NewEncoder(a.out).Encode(summary{
		Type: "summary", Files: a.files, Matches: a.matches, Truncated: a.truncated,
		Searched: r.searched.Load(), Binary: r.binary.Load(), Unreadable: unreadable,
	})
	_ = a.out.Flush()
}
