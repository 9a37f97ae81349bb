package edit

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"lms-computer/guest/internal/wire"
)

const (
	maxClosestText   = 4 << 10
	maxLinesToReport = 10
	minSimilarity    = 0.35
)

// closest is where the file is most like the text that was sought.
type closest struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Diff string `json:"diff"`
	// difference is what alone keeps it from being a match, if it is one thing.
	difference string
}

var differences = map[string]string{
	"line_endings": "only the line endings differ",
	"white_space":  "only white space differs",
	"line_numbers": "the text to replace has line numbers that are not in the file",
	"case":         "only upper and lower case differ",
}

// refuse says why replacement index did not do.
func refuse(r *http.Request, path string, from *os.File, edits []replacement, index int, s *stage) error {
	fail := func(format string, args ...any) *wire.Error {
		return wire.Errorf("invalid_argument", "replacement %d of %d: %s; nothing was written", index+1, len(edits), fmt.Sprintf(format, args...)).
			With("path", path).With("index", index).With("matches", s.count)
	}
	if s.count > 0 {
		times := fmt.Sprint(s.count)
		if s.count == maxCounted {
			times = "at least " + times
		}
		at := slices.Compact(s.lines)
		at = at[:min(len(at), maxLinesToReport)]
		return fail("expected one match, found %s, first at lines %s", times, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(at)), ", "), "[]")).
			With("lines", at)
	}
	near, err := findClosest(r, from, edits, index)
	if err != nil {
		return err
	}
	if near == nil {
		return fail("expected one match, found none and nothing like it")
	}
	message := fmt.Sprintf("expected one match, found none; the closest is at line %d", near.Line)
	if words := differences[near.difference]; words != "" {
		message += ", " + words
	}
	failure := fail("%s", message).With("closest", near)
	if near.difference != "" {
		failure = failure.With("difference", near.difference)
	}
	return failure
}

// lineNumber is what readers print before a line: "12\t", " 12: ", "12|", "12→".
var lineNumber = regexp.MustCompile(`(?m)^[ \t]*[0-9]+(?:\t|: ?|\| ?|→)`)

// findClosest looks without the line numbers, too, if there are some on every line.
func findClosest(r *http.Request, from *os.File, edits []replacement, index int) (*closest, error) {
	old := edits[index].old
	old = old[:min(len(old), maxProbe*maxSegment)]
	if len(lineNumber.FindAllIndex(old, maxProbe)) >= min(len(segmentsOf(old)), maxProbe) {
		near, err := findLike(r, from, edits, index, lineNumber.ReplaceAll(old, nil))
		if err != nil {
			return nil, err
		}
		if near != nil && (near.difference == "white_space" || near.difference == "line_endings") {
			near.difference = "line_numbers"
			return near, nil
		}
	}
	return findLike(r, from, edits, index, old)
}

// findLike takes at most three passes over the stream.
func findLike(r *http.Request, from *os.File, edits []replacement, index int, old []byte) (*closest, error) {
	want := segmentsOf(old)
	if len(want) == 0 {
		return nil, nil
	}
	head := want[:min(len(want), maxProbe)]
	look := newProbe(head)
	if err := scan(r, from, edits, index, look.look); err != nil {
		return nil, err
	}
	look.end()
	windows, err := collect(r, from, edits, index, look.best, len(head)+2)
	if err != nil {
		return nil, err
	}
	best, place := minSimilarity, -1
	for i, window := range windows {
		if score, _ := align(head, window); score > best {
			best, place = score, i
		}
	}
	if place < 0 {
		return nil, nil
	}
	have := windows[place]
	if len(want) > len(head) {
		if windows, err = collect(r, from, edits, index, look.best[place:place+1], len(want)+2); err != nil {
			return nil, err
		}
		have = windows[0]
	}
	return compare(want, have), nil
}

// compare describes the window; what both begin with alike is left out of the diff.
func compare(want, have []segment) *closest {
	if len(want) == 1 {
		for i := range have {
			have[i].text = narrow(want[0].text, have[i].text)
		}
	}
	near := &closest{difference: differenceOf(joined(want), joined(have))}
	same := 0
	for same < min(len(want), len(have)) && equal(want[same].text, have[same].text) {
		same++
	}
	skip := max(0, min(same-2, len(want)-3, len(have)-3))
	wantTail, haveTail := want[skip:min(len(want), skip+maxProbe)], have[skip:min(len(have), skip+maxProbe+2)]
	_, pairs := align(wantTail, haveTail)
	near.Diff = diffOf(wantTail, haveTail, pairs)
	first, last := len(have), 0
	for _, p := range pairs {
		if p.want >= 0 && p.have >= 0 {
			first, last = min(first, skip+p.have), max(last, skip+p.have)
		}
	}
	if same > 0 || first == len(have) {
		first = 0
	}
	near.Line = have[first].line
	text := joined(have[first : last+1])
	near.Text = strings.ToValidUTF8(string(text[:min(len(text), maxClosestText)]), "\uFFFD")
	return near
}

// differenceOf tells what alone keeps want from being in have, if it is one thing.
func differenceOf(want, have []byte) string {
	endings := func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r"), nil) }
	space := func(text []byte) []byte { return bytes.Join(bytes.Fields(text), nil) }
	for _, way := range []struct {
		name   string
		change func([]byte) []byte
	}{{"line_endings", endings}, {"white_space", space}, {"case", bytes.ToLower}} {
		if changed := way.change(want); len(changed) > 0 && bytes.Contains(way.change(have), changed) {
			return way.name
		}
	}
	return ""
}

func joined(segments []segment) (text []byte) {
	for _, s := range segments {
		text = append(text, s.text...)
	}
	return text
}
