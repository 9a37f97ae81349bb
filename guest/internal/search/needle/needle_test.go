package needle

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzIndex(f *testing.F) {
	for _, pair := range [][2]string{{"", "a"}, {"a", "a"}, {"aaaaaaab", "ab"}, {"xQyQzQQ", "zqq"}, {strings.Repeat("ab", 400) + "abc", "abc"}, {"İK", "k"}} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, in, text []byte) {
		if len(text) == 0 {
			return
		}
		if got, want := New(text, false).Index(in), bytes.Index(in, text); got != want {
			t.Fatalf("%q in %q: %d, not %d", text, in, got, want)
		}
		want := bytes.Index(lower(in), lower(text))
		if got := New(text, true).Index(in); got != want {
			t.Fatalf("folded %q in %q: %d, not %d", text, in, got, want)
		}
		halves := NewAny([]*Finder{New(text, false), New(text[:len(text)/2+1], false)})
		halves.Reset(in)
		for from := 0; from <= len(in); from++ {
			want := -1
			if i := bytes.Index(in[from:], text[:len(text)/2+1]); i >= 0 {
				want = from + i
			}
			if got := halves.Next(from); got != want {
				t.Fatalf("any of %q in %q from %d: %d, not %d", text, in, from, got, want)
			}
		}
	})
}

// lower is for ASCII alone.
func lower(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i], _ = cases(out[i])
	}
	return out
}

func BenchmarkIndex(b *testing.B) {
	in := []byte(strings.Repeat("\tif err := something(ctx, value); err != nil {\n\t\treturn nil, err\n\t}\n", 16000))
	for _, text := range []string{"something else", "return nil, nil", "eee", strings.Repeat("return nil, ", 12)} {
		for _, way := range []struct {
			name  string
			index func([]byte) int
		}{
			{"rare", New([]byte(text), false).Index},
			{"fold", New([]byte(text), true).Index},
			{"bytes", func(in []byte) int { return bytes.Index(in, []byte(text)) }},
		} {
			b.Run(way.name+"/"+text[:3], func(b *testing.B) {
				b.SetBytes(int64(len(in)))
				for b.Loop() {
					way.index(in)
				}
			})
		}
	}
}
