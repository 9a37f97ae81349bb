// Package ignore reads .gitignore files and applies them as git does (gitignore(5)).
package ignore

import (
	"strings"

	"lms-computer/guest/internal/search/glob"
)

const maxRules = 10_000

// Rules are those of one file, for what is below its directory.
type Rules struct {
	rules []rule
	// Most rules are a name or *.suffix: those are looked up, and only the rest is matched one by one.
	names    map[string][]int
	suffixes map[string][]int
	others   []int
}

type rule struct {
	glob     *glob.Glob
	negated  bool
	dirsOnly bool
	name     bool // no "/" in it: for names anywhere below
}

// Parse reads the text of a .gitignore. What is no pattern matches nothing, as with git.
func Parse(text string) *Rules {
	r := &Rules{names: map[string][]int{}, suffixes: map[string][]int{}}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if len(r.rules) == maxRules {
			break
		}
		r.add(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	}
	return r
}

func (r *Rules) add(line string) {
	pattern := trimSpaces(line)
	if strings.HasPrefix(pattern, "#") {
		return
	}
	var one rule
	pattern, one.negated = strings.CutPrefix(pattern, "!")
	pattern, one.dirsOnly = strings.CutSuffix(pattern, "/")
	one.name = !strings.Contains(pattern, "/")
	pattern = strings.TrimPrefix(pattern, "/")
	compiled, err := glob.Compile(pattern)
	if err != nil || pattern == "" {
		return
	}
	one.glob = compiled
	i := len(r.rules)
	r.rules = append(r.rules, one)
	suffix, isSuffix := strings.CutPrefix(pattern, "*.")
	switch {
	case one.name && !strings.ContainsAny(pattern, `*?[\`):
		r.names[pattern] = append(r.names[pattern], i)
	case one.name && isSuffix && !strings.ContainsAny(suffix, `*?[\.`):
		r.suffixes[suffix] = append(r.suffixes[suffix], i)
	default:
		r.others = append(r.others, i)
	}
}

// trimSpaces drops spaces at the end, but for one after a backslash.
func trimSpaces(line string) string {
	trimmed := strings.TrimRight(line, " ")
	backslashes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if backslashes%2 == 1 && len(trimmed) < len(line) {
		trimmed += " "
	}
	return trimmed
}

// match gives what the last rule for path says: known is false when there is none.
func (r *Rules) match(path, name string, dir bool) (ignored, known bool) {
	last := -1
	try := func(candidates []int, matches func(*rule) bool) {
		for i := len(candidates) - 1; i >= 0 && candidates[i] > last; i-- {
			one := &r.rules[candidates[i]]
			if (dir || !one.dirsOnly) && (matches == nil || matches(one)) {
				last = candidates[i]
			}
		}
	}
	try(r.names[name], nil)
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		try(r.suffixes[name[dot+1:]], nil)
	}
	try(r.others, func(one *rule) bool {
		if one.name {
			return one.glob.Match(name)
		}
		return one.glob.Match(path)
	})
	if last < 0 {
		return false, false
	}
	return !r.rules[last].negated, true
}

// Stack is the rules of a directory and of those above it.
type Stack struct {
	above  *Stack
	rules  *Rules
	prefix int // of a path: the directory of these rules, with its slash
}

// Push puts the rules of a directory, which ends in a slash, on top of those above it.
func (s *Stack) Push(dir string, rules *Rules) *Stack {
	if len(rules.rules) == 0 {
		return s
	}
	return &Stack{above: s, rules: rules, prefix: len(dir)}
}

// Ignored says whether the nearest rule for path leaves it out. path is below every directory of the stack.
func (s *Stack) Ignored(path string, dir bool) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for ; s != nil; s = s.above {
		if ignored, known := s.rules.match(path[s.prefix:], name, dir); known {
			return ignored
		}
	}
	return false
}
