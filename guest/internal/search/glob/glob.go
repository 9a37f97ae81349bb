// Package glob matches paths with patterns: * and ? within a name, [a-z] and [!a-z], ** for any directories, \ before what
// is meant literally.
package glob

import (
	"strings"
	"unicode/utf8"

	"lms-computer/guest/internal/wire"
)

const maxPattern = 4096

type kind uint8

const (
	literal kind = iota // one byte
	any                 // ?: a character but "/"
	class               // [...]
	star                // *: any characters but "/"
	dirs                // **/: any directories, or none
	rest                // ** at the end: everything below
)

type op struct {
	kind    kind
	byte    byte
	negated bool
	ranges  [][2]rune
}

// Glob is a compiled pattern.
type Glob struct {
	ops    []op
	suffix string // of a pattern that is * and then only literals
}

// Compile reads a pattern for paths with "/" between names.
func Compile(pattern string) (*Glob, error) {
	if len(pattern) > maxPattern {
		return nil, wire.Errorf("invalid_argument", "expected a glob of at most %d bytes, got %d", maxPattern, len(pattern))
	}
	g := &Glob{}
	for i := 0; i < len(pattern); {
		begins := i == 0 || pattern[i-1] == '/'
		switch c := pattern[i]; {
		case begins && strings.HasPrefix(pattern[i:], "**/"):
			g.ops = append(g.ops, op{kind: dirs})
			i += 3
		case begins && pattern[i:] == "**":
			g.ops = append(g.ops, op{kind: rest})
			i += 2
		case c == '*':
			if n := len(g.ops); n == 0 || g.ops[n-1].kind != star {
				g.ops = append(g.ops, op{kind: star})
			}
			i++
		case c == '?':
			g.ops = append(g.ops, op{kind: any})
			i++
		case c == '[':
			one, n := parseClass(pattern[i:])
			if n == 0 {
				return nil, wire.Errorf("invalid_argument", "expected a ] for the [ at byte %d of the glob %q", i, pattern).With("position", i)
			}
			g.ops = append(g.ops, one)
			i += n
		default:
			if c == '\\' && i+1 < len(pattern) {
				i++
			}
			g.ops = append(g.ops, op{kind: literal, byte: pattern[i]})
			i++
		}
	}
	g.suffix = suffixOf(g.ops)
	return g, nil
}

func suffixOf(ops []op) string {
	if len(ops) < 2 || ops[0].kind != star {
		return ""
	}
	var text strings.Builder
	for _, o := range ops[1:] {
		if o.kind != literal || o.byte == '/' {
			return ""
		}
		text.WriteByte(o.byte)
	}
	return text.String()
}

// parseClass reads [...] and gives its length, 0 when it does not end.
func parseClass(text string) (op, int) {
	one := op{kind: class}
	i := 1
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		one.negated = true
		i++
	}
	next := func() (rune, bool) {
		if i < len(text) && text[i] == '\\' {
			i++
		}
		if i >= len(text) {
			return 0, false
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		return r, true
	}
	for first := true; i < len(text); first = false {
		if text[i] == ']' && !first {
			return one, i + 1
		}
		low, ok := next()
		high := low
		if ok && i+1 < len(text) && text[i] == '-' && text[i+1] != ']' {
			i++
			high, ok = next()
		}
		if !ok {
			return one, 0
		}
		one.ranges = append(one.ranges, [2]rune{low, high})
	}
	return one, 0
}

// Match says whether the whole of path matches. It takes time in proportion to both lengths at worst: only the last * and the
// last **/ are ever tried again, for those before them have found their first place.
func (g *Glob) Match(path string) bool {
	if g.suffix != "" {
		return strings.HasSuffix(path, g.suffix) && strings.IndexByte(path[:len(path)-len(g.suffix)], '/') < 0
	}
	starOp, starAt, dirsOp, dirsAt := -1, 0, -1, 0
	for o, at := 0, 0; ; {
		if o == len(g.ops) && at == len(path) {
			return true
		}
		if o < len(g.ops) {
			switch one := &g.ops[o]; one.kind {
			case star:
				o++
				starOp, starAt = o, at
				continue
			case dirs:
				o++
				dirsOp, dirsAt, starOp = o, at, -1
				continue
			case rest:
				if at < len(path) {
					return true
				}
			default:
				if n := one.match(path[at:]); n > 0 {
					o, at = o+1, at+n
					continue
				}
			}
		}
		switch {
		case starOp >= 0 && starAt < len(path) && path[starAt] != '/':
			_, n := utf8.DecodeRuneInString(path[starAt:])
			starAt += n
			o, at = starOp, starAt
		case dirsOp >= 0:
			slash := strings.IndexByte(path[dirsAt:], '/')
			if slash < 0 {
				return false
			}
			dirsAt += slash + 1
			o, at, starOp = dirsOp, dirsAt, -1
		default:
			return false
		}
	}
}

// match gives how many bytes one character or byte takes, 0 when it is another.
func (o *op) match(text string) int {
	if text == "" {
		return 0
	}
	if o.kind == literal {
		if text[0] == o.byte {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(text)
	if r == '/' {
		return 0
	}
	in := o.kind == any
	for _, span := range o.ranges {
		in = in || span[0] <= r && r <= span[1]
	}
	if in == o.negated {
		return 0
	}
	return n
}
