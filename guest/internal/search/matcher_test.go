package search

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMatcher compares the matcher with the expression, for patterns and lines made of parts that meet often.
func TestMatcher(t *testing.T) {
	parts := strings.Split(`a b ab k s _ 7 \w \W \d \s \b \B ^ $ . .* [^a] [a-c]+ (?:a|ab|b) (a*)* (?:|a)+ a? b*? a{2,3} (?i:k) (?i:as) é \pL | `+"\uFFFD", " ")
	pieces := strings.Split("a b ab k s S K _ 7 é \u212a \u017f \xff \xc3 \uFFFD - aab \t", " ")
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string {
		var all []string
		for range random.IntN(7) {
			all = append(all, from[random.IntN(len(from))])
		}
		return strings.Join(all, "")
	}
	matches := 0
	for range 8_000 {
		text := pick(parts)
		p, err := newPattern(text, false, random.IntN(4) == 0)
		if err != nil {
			continue
		}
		m := newMatcher(p)
		for range 20 {
			line := []byte(pick(pieces))
			want := p.expression.FindIndex(line)
			got, ok := m.find(line)
			if ok != (want != nil) || ok && (got.from != want[0] || got.to != want[1]) {
				t.Fatalf("%q in %q: %v %v, not %v", text, line, got, ok, want)
			}
			if ok {
				matches++
			}
		}
	}
	if matches < 10_000 {
		t.Fatalf("%d matches", matches)
	}
}

// TestMatcherGivesUp has patterns that have more states, take more steps or more instructions than an automaton may.
func TestMatcherGivesUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	line := make([]byte, 20_000)
	for i := range line {
		line[i] = "ab"[random.IntN(2)]
	}
	for _, text := range []string{`(a|b)*a(a|b){12}c`, `a[ab]{14}$`, `a.*c`, `[ab]*c`, `(a[ab]{0,190}b){5}`, `(?:aba[ab]{10}a)+$`} {
		p, err := newPattern(text, false, false)
		if err != nil {
			t.Fatal(err)
		}
		m := newMatcher(p)
		for _, in := range [][]byte{line, append(bytes.Clone(line[:3000]), 'c'), line[:10]} {
			want := p.expression.FindIndex(in)
			if got, ok := m.find(in); ok != (want != nil) || ok && (got.from != want[0] || got.to != want[1]) {
				t.Fatalf("%s: %v %v, not %v", text, got, ok, want)
			}
		}
	}
}
