package edit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDiffLines = 40
	maxDiffLine  = 200 // characters
)

// pair is a step of an alignment: a segment of each side, or -1 for none.
type pair struct{ want, have int }

// align puts two texts beside each other so that the similarity of what is paired is greatest (Needleman and Wunsch), and
// gives that as a part of what it could be.
func align(want, have []segment) (float64, []pair) {
	width := len(have) + 1
	best := make([]float64, (len(want)+1)*width)
	like := make([]float64, len(want)*len(have))
	whole := 0.0
	for i := range want {
		weight := float64(len(bytes.TrimSpace(want[i].text)) + 1)
		whole += weight
		for j := range have {
			alike := similarity(want[i].text, have[j].text, i == 0 || i == len(want)-1)
			like[i*len(have)+j] = alike
			if alike >= 0.4 {
				best[(i+1)*width+j+1] = best[i*width+j] + weight*alike
			}
			at := (i+1)*width + j + 1
			best[at] = max(best[at], best[i*width+j+1], best[at-1])
		}
	}
	var pairs []pair
	for i, j := len(want), len(have); i > 0 || j > 0; {
		at := i*width + j
		switch {
		case j > 0 && best[at] == best[at-1]: // this first: what follows the match is cut off
			j--
			pairs = append(pairs, pair{-1, j})
		case i > 0 && best[at] == best[at-width]:
			i--
			pairs = append(pairs, pair{i, -1})
		default:
			i, j = i-1, j-1
			pairs = append(pairs, pair{i, j})
		}
	}
	slices.Reverse(pairs)
	return best[len(best)-1] / whole, pairs
}

// similarity is from 0 to 1, by the pairs of bytes that both have, white space aside. Only equal bytes are 1. For a part of
// a line it is enough to be in it.
func similarity(want, have []byte, part bool) float64 {
	if equal(want, have) {
		return 1
	}
	var counts [1 << 12]int8
	a := countBigrams(want, func(i int) { counts[i] = min(counts[i]+1, 100) })
	shared := 0
	b := countBigrams(have, func(i int) {
		if counts[i] > 0 {
			counts[i]--
			shared++
		}
	})
	if a == 0 || b == 0 {
		if len(bytes.TrimSpace(want)) == len(bytes.TrimSpace(have)) {
			return 0.9
		}
		return 0
	}
	alike := 0.98 * 2 * float64(shared) / float64(a+b)
	if part {
		alike = max(alike, 0.95*float64(shared)/float64(a)-0.05*float64(b)/float64(b+a))
	}
	return alike
}

// narrow gives the part of a long line that is most like want.
func narrow(want, line []byte) []byte {
	if len(line) <= 2*maxDiffLine {
		return line
	}
	width := min(2*len(want), len(line)) + 40
	best, at := -1.0, 0
	for from := 0; from+width/2 < len(line); from += width / 2 {
		if alike := similarity(want, line[from:min(len(line), from+width)], true); alike > best {
			best, at = alike, from
		}
	}
	return line[at:min(len(line), at+width)]
}

// equal says whether have is want, as far as want goes: its last line need not be a whole one.
func equal(want, have []byte) bool {
	return bytes.Equal(want, have) || want[len(want)-1] != '\n' && bytes.HasPrefix(have, want)
}

func countBigrams(text []byte, each func(int)) (n int) {
	last := -1
	for _, b := range text {
		if b <= ' ' {
			continue
		}
		if last >= 0 {
			each((last<<5 ^ int(b)) & (1<<12 - 1))
			n++
		}
		last = int(b)
	}
	return n
}

// diffOf writes an alignment as a diff: "-" is what was sought, "+" what the file has. It begins near the first difference.
func diffOf(want, have []segment, pairs []pair) string {
	same := func(p pair) bool {
		return p.want >= 0 && p.have >= 0 && equal(want[p.want].text, have[p.have].text)
	}
	unwanted := func(p pair) bool { return p.want < 0 }
	for len(pairs) > 0 && unwanted(pairs[0]) {
		pairs = pairs[1:]
	}
	for len(pairs) > 0 && unwanted(pairs[len(pairs)-1]) {
		pairs = pairs[:len(pairs)-1]
	}
	first := slices.IndexFunc(pairs, func(p pair) bool { return !same(p) })
	pairs = pairs[max(first-2, 0):]
	var diff []string
	for _, p := range pairs {
		if same(p) {
			diff = append(diff, "  "+shown(want[p.want].text))
			continue
		}
		if p.want >= 0 {
			diff = append(diff, "- "+shown(want[p.want].text))
		}
		if p.have >= 0 {
			diff = append(diff, "+ "+shown(have[p.have].text))
		}
	}
	if len(diff) > maxDiffLines {
		diff = append(diff[:maxDiffLines], "  …")
	}
	return strings.Join(diff, "\n")
}

// shown is a line without its newline, valid and not too long.
func shown(text []byte) string {
	line := strings.ToValidUTF8(string(bytes.TrimSuffix(text, newline)), "\uFFFD")
	line = strings.ReplaceAll(line, "\r", "␍")
	if utf8.RuneCountInString(line) > maxDiffLine {
		line = string([]rune(line)[:maxDiffLine]) + "…"
	}
	return line
}
