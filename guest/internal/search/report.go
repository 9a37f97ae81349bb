package search

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

const (
	// maxText bounds what is shown of a line; textBefore of it come before the match.
	maxText    = 500
	textBefore = 150
)

// found is a line of the answer: a match, or context of one.
type found struct {
	Type       string `json:"type"`
	Path       string `json:"path"`
	PathBase64 string `json:"pathBase64,omitempty"`
	Line       int    `json:"line"`
	Column     int    `json:"column,omitempty"` // 1-based, in bytes
	Length     int    `json:"length,omitempty"` // of the match, in bytes
	Text       string `json:"text"`
	CutBefore  int    `json:"cutBefore,omitempty"` // bytes of the line that are not in text
	CutAfter   int    `json:"cutAfter,omitempty"`
}

// piece is the part of an answer that one file has in one batch.
type piece struct {
	data  []byte
	ends  []int // of data: where each match ends
	first bool  // the file's first
}

// report writes what is found in one file after the other.
type report struct {
	path, base64 string
	begun        bool // the file has a piece already
	pieces       []piece
	bytes        int
	buffer       bytes.Buffer
	encoder      *json.Encoder
	ends         []int
}

func newReport() *report {
	r := &report{}
	r.encoder = json.NewEncoder(&r.buffer)
	r.encoder.SetEscapeHTML(false)
	return r
}

func (r *report) begin(path string) {
	r.path, r.base64, r.begun = path, "", false
	if !utf8.ValidString(path) { // JSON puts U+FFFD for the bytes
		r.base64 = base64.StdEncoding.EncodeToString([]byte(path))
	}
}

// cut closes a piece. A file that gives much has several.
func (r *report) cut() {
	if r.buffer.Len() > 0 {
		r.pieces = append(r.pieces, piece{bytes.Clone(r.buffer.Bytes()), r.ends, !r.begun})
		r.bytes += r.buffer.Len()
		r.begun = true
	}
	r.buffer.Reset()
	r.ends = nil
}

// take gives the pieces since the last time.
func (r *report) take() []piece {
	pieces := r.pieces
	r.pieces, r.bytes = nil, 0
	return pieces
}

func (r *report) match(number int, line []byte, match span) {
	from, to := 0, len(line)
	if len(line) > maxText {
		from = max(0, match.from-textBefore)
		to = min(len(line), from+maxText)
		from = max(0, min(from, to-maxText))
	}
	from, to = runeStart(line, from), runeStart(line, to)
	r.write(found{
		Type: "match", Line: number, Column: match.from + 1, Length: match.to - match.from,
		Text: string(line[from:to]), CutBefore: from, CutAfter: len(line) - to,
	})
	r.ends = append(r.ends, r.buffer.Len())
}

func (r *report) context(number int, line []byte) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	to := runeStart(line, min(len(line), maxText))
	r.write(found{Type: "context", Line: number, Text: string(line[:to]), CutAfter: len(line) - to})
}

func (r *report) write(one found) {
	one.Path, one.PathBase64 = r.path, r.base64
	_ = r.encoder.Encode(one)
}

// runeStart goes back to where a character begins.
func runeStart(text []byte, at int) int {
	for back := at; back > 0 && back < len(text) && back > at-utf8.UTFMax; back-- {
		if utf8.RuneStart(text[back]) {
			return back
		}
	}
	return at
}
