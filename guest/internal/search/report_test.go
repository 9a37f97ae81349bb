package search

import (
	"encoding/json"
	"testing"
)

// FuzzText compares how text is written with what the standard library makes of it.
func FuzzText(f *testing.F) {
	for _, text := range []string{"", "a\t\"b\"\\", "é\u2028<>", "\xff\x00\x1f\x7f"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		written := appendText([]byte("before"), text)
		var read string
		if err := json.Unmarshal(written[len("before"):], &read); err != nil {
			t.Fatalf("%v: %q", err, written)
		}
		if want := string([]rune(string(text))); read != want { // U+FFFD for each byte that is none
			t.Fatalf("%q, not %q", read, want)
		}
	})
}
