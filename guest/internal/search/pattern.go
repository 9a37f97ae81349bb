package search

import (
	"bytes"
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"lms-computer/guest/internal/search/needle"
	"lms-computer/guest/internal/wire"
)

const (
	maxPattern = 64 << 10
	// maxInstructions bounds the time and the stack that one step of an automaton takes.
	maxInstructions = 4096
)

// pattern finds matches within lines.
type pattern struct {
	expression *regexp.Regexp
	// finders find what every match has in it, so that the expression is tried on few lines only.
	finders []*needle.Finder
	prog    *syntax.Prog // for automata; nil where it is too large for one
	// unfold: K and S have a third case (U+212A, U+017F), which the finders do not know.
	unfold bool
}

func newPattern(text string, literal, ignoreCase bool) (*pattern, error) {
	switch {
	case text == "":
		return nil, wire.Errorf("invalid_argument", "expected a pattern, got nothing")
	case len(text) > maxPattern:
		return nil, wire.Errorf("invalid_argument", "expected a pattern of at most %d bytes, got %d", maxPattern, len(text))
	}
	source := text
	if literal {
		source = regexp.QuoteMeta(text)
	}
	flags := syntax.Perl
	prefix := ""
	if ignoreCase {
		flags |= syntax.FoldCase
		prefix = "(?i)"
	}
	tree, err := syntax.Parse(source, flags)
	if err != nil {
		return nil, explain(err, text)
	}
	compiled, err := regexp.Compile(prefix + source)
	if err != nil {
		return nil, explain(err, text)
	}
	tree = tree.Simplify()
	p := &pattern{expression: compiled}
	for _, one := range required(tree) {
		if strings.Contains(one.text, "\n") {
			return nil, wire.Errorf("invalid_argument", "expected a pattern for one line: matches never go on to the next").
				With("position", max(strings.Index(text, "\n"), 0))
		}
		p.finders = append(p.finders, needle.New([]byte(one.text), one.fold))
		p.unfold = p.unfold || one.fold && strings.ContainsAny(one.text, "kKsS")
	}
	prog, err := syntax.Compile(tree)
	if err != nil {
		return nil, explain(err, text)
	}
	if len(prog.Inst) <= maxInstructions {
		p.prog = prog
	}
	return p, nil
}

// explain says where a pattern is wrong.
func explain(err error, text string) error {
	var wrong *syntax.Error
	if !errors.As(err, &wrong) {
		return wire.Errorf("invalid_argument", "%s", err)
	}
	position := max(strings.LastIndex(text, wrong.Expr), 0)
	if wrong.Code == syntax.ErrMissingParen {
		position = openParenthesis(text)
	}
	failure := wire.Errorf("invalid_argument", "expected a regular expression (RE2 syntax): %s at byte %d: %q", wrong.Code, position, wrong.Expr)
	return failure.With("position", position)
}

// openParenthesis gives the last ( without its ), as far as that can be told from a wrong pattern.
func openParenthesis(text string) int {
	var open []int
	class := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			open = append(open, i)
		case c == ')' && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return 0
	}
	return open[len(open)-1]
}

// filter finds a place in every line that may match.
type filter interface {
	Reset(in []byte)
	// Next gives the first place at from or later, or -1. from must not decrease.
	Next(from int) int
}

func (p *pattern) filter() filter {
	if len(p.finders) == 0 && p.prog != nil {
		return newAutomaton(p.prog)
	}
	return needle.NewAny(p.finders)
}

// filtered says whether the filter finds every line of text that may match.
func (p *pattern) filtered(text []byte) bool {
	if len(p.finders) == 0 {
		return p.prog != nil
	}
	return !p.unfold || !bytes.Contains(text, []byte("\u212a")) && !bytes.Contains(text, []byte("\u017f"))
}
