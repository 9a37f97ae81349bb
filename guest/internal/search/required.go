package search

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// maxAlternatives bounds how many texts are looked for at once.
const maxAlternatives = 16

// needed is a text that a match has in it.
type needed struct {
	text string
	fold bool // its ASCII letters in either case
}

// required gives texts of which every match has at least one in it; none when it cannot be told.
func required(re *syntax.Regexp) []needed {
	switch re.Op {
	case syntax.OpLiteral:
		return longestPart(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCharClass:
		var set []needed
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if len(set) == 4 || r == utf8.RuneError {
					return nil
				}
				set = append(set, needed{string(r), false})
			}
		}
		return set
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []needed
		for _, sub := range re.Sub {
			if set := required(sub); better(set, best) {
				best = set
			}
		}
		return best
	case syntax.OpAlternate:
		var set []needed
		for _, sub := range re.Sub {
			one := required(sub)
			if len(one) == 0 {
				return nil
			}
			set = append(set, one...)
		}
		if len(set) <= maxAlternatives {
			return set
		}
	}
	return nil
}

// longestPart leaves out what matches other bytes than its own: U+FFFD stands for every invalid byte, and letters that are
// not ASCII have their cases in other lengths.
func longestPart(runes []rune, fold bool) []needed {
	var best, part []rune
	for _, r := range append(slices.Clone(runes), utf8.RuneError) {
		if r == utf8.RuneError || fold && r >= utf8.RuneSelf {
			if len(part) > len(best) {
				best = part
			}
			part = nil
			continue
		}
		part = append(part, r)
	}
	if len(best) == 0 {
		return nil
	}
	return []needed{{string(best), fold}}
}

// better: longer texts are rarer, and fewer cost less.
func better(a, b []needed) bool { return worth(a) > worth(b) }

func worth(set []needed) int {
	if len(set) == 0 {
		return 0
	}
	shortest := 8
	for _, one := range set {
		shortest = min(shortest, len(one.text))
	}
	if shortest < 2 { // on nearly every line
		return 0
	}
	return 1 + 8*shortest - min(len(set), 7)
}
