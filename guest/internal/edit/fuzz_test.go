package edit

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"lms-computer/guest/internal/wire"
)

// naive is what the stages must do, on the whole text.
func naive(text []byte, edit replacement) ([]byte, int) {
	if edit.all {
		return bytes.ReplaceAll(text, edit.old, edit.new), bytes.Count(text, edit.old)
	}
	count := 0
	for i := range text {
		if bytes.HasPrefix(text[i:], edit.old) {
			count++
		}
	}
	return bytes.Replace(text, edit.old, edit.new, 1), count
}

func FuzzStages(f *testing.F) {
	f.Add([]byte("aaa b aaa\n"), []byte("aa"), []byte("b"), []byte("b "), []byte("\n\n"), uint8(0), uint8(2))
	f.Add([]byte("one\r\ntwo"), []byte("\r"), []byte(""), []byte("w"), []byte("$&"), uint8(3), uint8(0))
	f.Fuzz(func(t *testing.T, text, old1, new1, old2, new2 []byte, all, piece uint8) {
		if len(old1) == 0 || len(old2) == 0 || len(text) > 1<<12 || len(new1)+len(new2) > 1<<8 {
			return
		}
		edits := []replacement{{old1, new1, all&1 != 0}, {old2, new2, all&2 != 0}}
		var got bytes.Buffer
		out := &output{to: &got}
		stages := newChain(edits, out)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			if _, err := stages[0].Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		for _, s := range stages {
			_ = s.end()
		}
		_ = out.flush()
		want := text
		for i, edit := range edits {
			var count int
			in := want
			want, count = naive(in, edit)
			if stages[i].count != count {
				t.Fatalf("%d of %q in %q: %d, not %d", i, edit.old, in, stages[i].count, count)
			}
			if at := bytes.Index(in, edit.old); at >= 0 && stages[i].lines[0] != bytes.Count(in[:at], newline)+1 {
				t.Fatalf("%d: line %d", i, stages[i].lines[0])
			}
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("%q, not %q", got.Bytes(), want)
		}
		lines := bytes.Count(want, newline)
		if len(want) > 0 && want[len(want)-1] != '\n' {
			lines++
		}
		if out.totalLines() != lines {
			t.Fatalf("%d lines, not %d", out.totalLines(), lines)
		}
	})
}

// FuzzClosest looks for nothing but a crash, or an answer without bounds.
func FuzzClosest(f *testing.F) {
	f.Add([]byte("some\ntext\r\n"), []byte("1\tsome\n2\ttaxt"))
	f.Fuzz(func(t *testing.T, text, old []byte) {
		want := segmentsOf(old)
		if len(want) == 0 || len(want) > maxProbe || len(text) > 1<<14 {
			return
		}
		look := newProbe(want)
		all := segmentsOf(text)
		for _, s := range all {
			look.look(s)
		}
		look.end()
		for _, c := range look.best {
			have := all[c.from:min(len(all), c.from+len(want)+2)]
			if score, _ := align(want, have); score < 0 || score > 1.0001 {
				t.Fatalf("score %f", score)
			}
			if near := compare(want, have); len(near.Text) > 3*maxClosestText || near.Line < 1 {
				t.Fatalf("%+v", near)
			}
		}
	})
}

// FuzzRequest: edits that pass are bytes that were sent, each has something to look for, and nothing became U+FFFD on the way.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"replacements":[{"old":"a","new":"b","all":true}]}`, `{"replacements":[{"oldBase64":"/w==","newBase64":""}]}`, `{"replacements":[{"old":"\ud800"}]}`,
		"{\"replacements\":[{\"old\":\"\xff\"}]}", `{"replacements":[]}`, `{"replacements":[{"old":""}]}`, "", "null", `{"replacements":null}`, `{"replacements":[{"oldBase64":"*"}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		edits, _, err := parseReplace(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
		if err != nil {
			var known *wire.Error
			if !errors.As(err, &known) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(edits) == 0 || len(edits) > maxReplacements || !utf8.Valid(body) {
			t.Fatalf("%q: let %d through", body, len(edits))
		}
		for _, one := range edits {
			if len(one.old) == 0 || len(one.old)+len(one.new) > len(body) {
				t.Fatalf("%q: %+v", body, one)
			}
		}
	})
}
