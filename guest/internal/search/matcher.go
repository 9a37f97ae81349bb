package search

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

const (
	dead    = 0             // nothing that follows can match
	unsure  = 1 * rowLength // the expression must tell
	matched = 1             // added to a state: a match ends before the byte that led to it

	endOfLine = '\n' // stands for the end, since no line has one within
)

// span is a part of a line.
type span struct{ from, to int }

// matcher finds the first match of a line, as the expression does, but several times as fast: by an automaton whose states are
// the threads of the expression, those it prefers first, and what came before. It tries one beginning after the other, of
// which nearly all are dead at once. What depends on characters that are not ASCII it leaves to the expression.
// It belongs to one goroutine.
type matcher struct {
	states
	expression *regexp.Regexp
	prefix     []byte // of every match
	start      [len(contexts)]int32
	threads    []uint32 // under way in step
}

// contexts have a character for each that an assertion can tell from the others: none, a letter of a word, any else.
var contexts = [...]rune{-1, 'a', ' '}

func contextOf(b byte) uint32 {
	if syntax.IsWordChar(rune(b)) {
		return 1
	}
	return 2
}

func newMatcher(p *pattern) *matcher {
	m := &matcher{expression: p.expression, states: states{resets: maxResets}}
	if p.prog != nil {
		prefix, _ := p.expression.LiteralPrefix()
		m.prefix = []byte(prefix)
		m.states = states{prog: p.prog, marked: make([]bool, len(p.prog.Inst))}
		m.begin()
	}
	return m
}

func (m *matcher) begin() {
	m.clear(2)
	for i := range contexts {
		m.start[i] = m.of([]uint32{uint32(m.prog.Start), uint32(i)})
	}
}

func (m *matcher) find(line []byte) (span, bool) {
	steps := 1000 + 8*len(line) // many beginnings may each go far
	for at := 0; m.resets < maxResets && steps >= 0; at++ {
		if len(m.prefix) > 0 && at < len(line) {
			next := bytes.Index(line[at:], m.prefix)
			if next < 0 {
				return span{}, false
			}
			at += next
		}
		if at > len(line) {
			return span{}, false
		}
		end, reached := m.follow(line, at)
		if reached < 0 {
			break
		}
		if end >= 0 {
			return span{at, end}, true
		}
		steps -= reached - at + 1
	}
	match := m.expression.FindIndex(line)
	if match == nil {
		return span{}, false
	}
	return span{match[0], match[1]}, true
}

// follow gives the end of the match that begins at an offset, negative if none does, and how far it looked: negative where
// the expression must tell.
func (m *matcher) follow(line []byte, at int) (end, reached int) {
	state := m.start[0]
	if at > 0 {
		state = m.start[contextOf(line[at-1])]
	}
	end = -1
	for i := at; i <= len(line); i++ {
		b := byte(endOfLine)
		if i < len(line) {
			b = line[i]
		}
		next := m.table[int(state)+int(b)]
		if next == unknown {
			next = m.step(state, b)
		}
		if next&matched != 0 {
			if next &^= matched; i == at && b >= utf8.RuneSelf { // perhaps within a character
				return -1, -1
			}
			end = i
		}
		switch next {
		case dead:
			return end, i
		case unsure:
			return -1, -1
		}
		state = next
	}
	return end, len(line)
}

// step makes a transition.
func (m *matcher) step(from int32, b byte) int32 {
	set := m.sets[from/rowLength]
	threads, context := set[:len(set)-1], set[len(set)-1]
	after := rune(b)
	switch {
	case b == endOfLine:
		after = -1
	case b >= utf8.RuneSelf:
		after = utf8.RuneError // the same to assertions as any that is not ASCII
	}
	holds := syntax.EmptyOpContext(contexts[context], after)
	m.threads = m.threads[:0]
	clear(m.marked)
	to := int32(dead)
	for _, pc := range threads {
		if m.reach(pc, holds) {
			to = matched
			break
		}
	}
	var next []uint32
	clear(m.marked)
	for _, pc := range m.threads {
		switch one := &m.prog.Inst[pc]; {
		case b == endOfLine:
		case b >= utf8.RuneSelf:
			if beyondASCII(one) {
				m.table[int(from)+int(b)] = unsure
				return unsure
			}
		case one.MatchRune(rune(b)) && !m.marked[one.Out]:
			m.marked[one.Out] = true
			next = append(next, one.Out)
		}
	}
	if len(next) > 0 {
		next = append(next, contextOf(b))
		if m.full() {
			m.resets++
			m.begin()
			return to | m.of(next)
		}
		to |= m.of(next)
	}
	m.table[int(from)+int(b)] = to
	return to
}

// reach adds the instructions that take a character and are reached from pc without one, the preferred first. It says whether
// the match may end here: what is preferred less does not count then.
func (m *matcher) reach(pc uint32, holds syntax.EmptyOp) bool {
	if m.marked[pc] {
		return false
	}
	m.marked[pc] = true
	switch one := &m.prog.Inst[pc]; one.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return m.reach(one.Out, holds) || m.reach(one.Arg, holds)
	case syntax.InstEmptyWidth:
		return syntax.EmptyOp(one.Arg)&^holds == 0 && m.reach(one.Out, holds)
	case syntax.InstCapture, syntax.InstNop:
		return m.reach(one.Out, holds)
	case syntax.InstMatch:
		return true
	case syntax.InstFail:
		return false
	default:
		m.threads = append(m.threads, pc)
		return false
	}
}
