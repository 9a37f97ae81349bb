// Package needle finds fixed bytes in much text.
//
// It looks for the rarest byte of what it seeks, which the standard library does 32 bytes at a time, and compares only
// there. bytes.Index looks for the first byte, in source text often a common one.
package needle

import (
	"bytes"
	"math"
	"strings"
)

// common are the bytes of source text and prose, the most frequent first. What is not here is rare.
const common = " etnaiorsl\ndcupmfhg_\t,.()yb10-v\"=w;2:/*x'k>3E{}45T#[]S<6AIN$RC879OLD&PqM+FjUB@H\\|z!WGVXK%YJ?QZ`~^"

// Finder finds one text. It may be used by several goroutines.
type Finder struct {
	text []byte
	fold bool
	at   int     // of the rarest byte in text
	rare [2]byte // that byte; with fold both its cases
}

// New makes a Finder. With fold the ASCII letters in text match in either case.
func New(text []byte, fold bool) *Finder {
	f := &Finder{text: text, fold: fold}
	best := math.MaxInt
	for i, b := range text {
		lower, upper := b, b
		if fold {
			lower, upper = cases(b)
		}
		if weight := frequency(lower) + frequency(upper); weight < best {
			best, f.at, f.rare = weight, i, [2]byte{lower, upper}
		}
	}
	return f
}

func frequency(b byte) int {
	if i := strings.IndexByte(common, b); i >= 0 {
		return len(common) - i
	}
	return 0
}

func cases(b byte) (lower, upper byte) {
	if 'A' <= b&^0x20 && b&^0x20 <= 'Z' {
		return b | 0x20, b &^ 0x20
	}
	return b, b
}

// Len is the length of what is sought.
func (f *Finder) Len() int { return len(f.text) }

// Index gives where the text is first, or -1.
func (f *Finder) Index(in []byte) int {
	last := len(in) - len(f.text)
	if last < 0 {
		return -1
	}
	window := in[f.at : f.at+last+1] // a rare byte here begins a match at the same index of in
	one, other := bytes.IndexByte(window, f.rare[0]), -1
	if f.rare[0] != f.rare[1] {
		other = bytes.IndexByte(window, f.rare[1])
	}
	for misses := 0; ; misses++ {
		i := one
		if i < 0 || other >= 0 && other < i {
			i = other
		}
		if i < 0 {
			return -1
		}
		if f.matches(in[i : i+len(f.text)]) {
			return i
		}
		if !f.fold && misses > 8+i/32 { // it is not rare here
			if found := bytes.Index(in[i+1:], f.text); found >= 0 {
				return i + 1 + found
			}
			return -1
		}
		if i == one {
			one = after(window, i, f.rare[0])
		} else {
			other = after(window, i, f.rare[1])
		}
	}
}

func after(in []byte, i int, b byte) int {
	if next := bytes.IndexByte(in[i+1:], b); next >= 0 {
		return i + 1 + next
	}
	return -1
}

func (f *Finder) matches(in []byte) bool {
	if !f.fold {
		return bytes.Equal(in, f.text)
	}
	for i, b := range f.text {
		if lower, upper := cases(b); in[i] != lower && in[i] != upper {
			return false
		}
	}
	return true
}
