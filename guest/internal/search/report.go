package search

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

const (
	// maxText bounds what is shown of a line; textBefore of it come before the match.
	maxText    = 500
	textBefore = 150
)

// piece is the part of an answer that one file has in one batch.
type piece struct {
	data  []byte
	ends  []int // of data: where each match ends
	first bool  // the file's first
}

// report writes what is found in one file after the other.
type report struct {
	path   string // and its fields, once they are made
	fields []byte
	begun  bool // the file has a piece already
	pieces []piece
	bytes  int
	buffer []byte
	ends   []int
}

func (r *report) begin(path string) {
	r.path, r.fields, r.begun = path, r.fields[:0], false
}

// cut closes a piece. A file that gives much has several.
func (r *report) cut() {
	if len(r.buffer) > 0 {
		r.pieces = append(r.pieces, piece{bytes.Clone(r.buffer), r.ends, !r.begun})
		r.bytes += len(r.buffer)
		r.begun = true
	}
	r.buffer, r.ends = r.buffer[:0], nil
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
	r.open("match", number)
	r.number("column", match.from+1)
	r.number("length", match.to-match.from)
	r.close(line, from, to)
	r.ends = append(r.ends, len(r.buffer))
}

func (r *report) context(number int, line []byte) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	to := runeStart(line, min(len(line), maxText))
	r.open("context", number)
	r.close(line, 0, to)
}

// open begins a line of the answer. By hand: reflection takes twice as long.
func (r *report) open(kind string, number int) {
	if len(r.fields) == 0 {
		r.fields = appendText(append(r.fields, `","path":`...), []byte(r.path))
		if !utf8.ValidString(r.path) { // JSON has U+FFFD for the bytes
			r.fields = append(r.fields, `,"pathBase64":"`+base64.StdEncoding.EncodeToString([]byte(r.path))+`"`...)
		}
	}
	r.buffer = append(append(r.buffer, `{"type":"`...), kind...)
	r.buffer = append(r.buffer, r.fields...)
	r.number("line", number)
}

// number writes nothing for 0.
func (r *report) number(name string, value int) {
	if value != 0 {
		r.buffer = append(append(append(r.buffer, `,"`...), name...), `":`...)
		r.buffer = strconv.AppendInt(r.buffer, int64(value), 10)
	}
}

// close ends it with what is shown of a line, and how much is not.
func (r *report) close(line []byte, from, to int) {
	r.buffer = appendText(append(r.buffer, `,"text":`...), line[from:to])
	r.number("cutBefore", from)
	r.number("cutAfter", len(line)-to)
	r.buffer = append(r.buffer, "}\n"...)
}

// appendText writes text in quotes.
func appendText(to, text []byte) []byte {
	start := len(to)
	to = append(to, '"')
	for i, b := range text {
		switch {
		case b == '"' || b == '\\':
			to = append(to, '\\', b)
		case b == '\t':
			to = append(to, '\\', 't')
		case b < ' ' || b >= utf8.RuneSelf:
			rest, _ := json.Marshal(string(text))
			return append(to[:start], rest...)
		default:
			to = append(to, text[i])
		}
	}
	return append(to, '"')
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
