package glob

import (
	"strings"

	"lms-computer/guest/internal/wire"
)

const (
	maxGlobs     = 100
	maxExpansion = 256
)

// Filter chooses files by globs as they are written for a search: one without "/" is for names anywhere, one with it for the
// path below the directory searched; {a,b} is either; a leading ! leaves out. The last one that matches decides.
type Filter struct {
	rules    []rule
	positive bool // only what a glob names is chosen
}

type rule struct {
	glob    *Glob
	negated bool
	name    bool
}

// NewFilter compiles globs. None choose everything.
func NewFilter(globs []string) (*Filter, error) {
	if len(globs) > maxGlobs {
		return nil, wire.Errorf("invalid_argument", "expected at most %d globs, got %d", maxGlobs, len(globs))
	}
	f := &Filter{}
	for _, text := range globs {
		pattern, negated := strings.CutPrefix(text, "!")
		if pattern == "" {
			return nil, wire.Errorf("invalid_argument", "expected a glob, got %q", text)
		}
		f.positive = f.positive || !negated
		all, err := expand(pattern, nil)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if strings.HasSuffix(one, "/") && !negated { // all that the directory holds; left out it is not entered anyway
				one += "**"
			}
			one = strings.TrimSuffix(one, "/")
			name := strings.IndexByte(one, '/') < 0 && one != "**"
			compiled, err := Compile(strings.TrimPrefix(strings.TrimPrefix(one, "./"), "/"))
			if err != nil {
				return nil, err
			}
			f.rules = append(f.rules, rule{compiled, negated, name})
		}
	}
	return f, nil
}

// File says whether the file at path, below the directory searched, is chosen.
func (f *Filter) File(path string) bool {
	match := f.last(path)
	if match == nil {
		return !f.positive
	}
	return !match.negated
}

// Enter says whether the directory at path is to be entered.
func (f *Filter) Enter(path string) bool {
	match := f.last(path)
	return match == nil || !match.negated
}

func (f *Filter) last(path string) *rule {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for i := len(f.rules) - 1; i >= 0; i-- {
		r := &f.rules[i]
		if r.name && r.glob.Match(name) || !r.name && r.glob.Match(path) {
			return r
		}
	}
	return nil
}

// expand writes out {a,b}. A { without its } is literal.
func expand(pattern string, into []string) ([]string, error) {
	open, depth, parts := -1, 0, []int(nil) // parts: the { and the commas of the first pair
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '{':
			if depth++; depth == 1 {
				open, parts = i, []int{i}
			}
		case c == ',' && depth == 1:
			parts = append(parts, i)
		case c == '}' && depth > 0:
			if depth--; depth > 0 {
				continue
			}
			parts = append(parts, i)
			for n := range len(parts) - 1 {
				var err error
				if into, err = expand(pattern[:open]+pattern[parts[n]+1:parts[n+1]]+pattern[i+1:], into); err != nil {
					return nil, err
				}
			}
			return into, nil
		}
	}
	if len(into) == maxExpansion {
		return nil, wire.Errorf("invalid_argument", "expected {} to give at most %d globs", maxExpansion)
	}
	return append(into, pattern), nil
}
