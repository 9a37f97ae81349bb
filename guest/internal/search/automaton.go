package search

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

const accepting = 0

// automaton finds lines that may match where no fixed text tells: about a nanosecond a byte, thirty times as fast as the
// expression itself. It takes every assertion (^, \b) for true, and bytes of characters that are not ASCII for any of those
// that an instruction takes; so it may find too much, never too little.
type automaton struct {
	states
	in    []byte
	start int32
}

func newAutomaton(prog *syntax.Prog) *automaton {
	a := &automaton{states: states{prog: prog, marked: make([]bool, len(prog.Inst))}}
	a.begin()
	return a
}

func (a *automaton) begin() {
	a.clear(1)
	clear(a.marked)
	a.start = a.state(a.follow(nil, uint32(a.prog.Start)))
}

// useful is false for what matches everywhere, and once there have been too many states.
func (a *automaton) useful() bool { return a.start != accepting && a.resets < maxResets }

func (a *automaton) Reset(in []byte) { a.in = in }

// Next gives a byte of the first line that may match, at from or later, or -1. from begins a line.
func (a *automaton) Next(from int) int {
	state := a.start
	if !a.useful() && from < len(a.in) {
		return from
	}
	for i := from; i < len(a.in); i++ {
		next := a.table[int(state)+int(a.in[i])]
		if next == unknown {
			if next = a.step(state, a.in[i]); a.resets >= maxResets {
				return i
			}
		}
		if next == accepting {
			return i
		}
		state = next
	}
	return -1
}

func (a *automaton) step(from int32, b byte) int32 {
	if b == '\n' {
		a.table[int(from)+'\n'] = a.start
		return a.start
	}
	clear(a.marked)
	set := a.follow(nil, uint32(a.prog.Start))
	for _, pc := range a.sets[from/rowLength] {
		one := &a.prog.Inst[pc]
		if b >= utf8.RuneSelf {
			if beyondASCII(one) {
				set = a.follow(append(set, pc), one.Out)
			}
		} else if one.MatchRune(rune(b)) {
			set = a.follow(set, one.Out)
		}
	}
	if a.full() {
		a.resets++
		a.begin()
		return a.state(set)
	}
	next := a.state(set)
	a.table[int(from)+int(b)] = next
	return next
}

// beyondASCII says whether an instruction takes any character that is not ASCII; with folding K is one.
func beyondASCII(one *syntax.Inst) bool {
	switch one.Op {
	case syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	default:
		return len(one.Rune) > 0 && one.Rune[len(one.Rune)-1] >= utf8.RuneSelf || syntax.Flags(one.Arg)&syntax.FoldCase != 0
	}
}

// follow adds the instructions that take a character, or end a match, and are reached from pc without one;
// those that are marked are in the set already.
func (a *automaton) follow(set []uint32, pc uint32) []uint32 {
	for stack := []uint32{pc}; len(stack) > 0; {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if a.marked[pc] {
			continue
		}
		a.marked[pc] = true
		switch one := &a.prog.Inst[pc]; one.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, one.Out, one.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			stack = append(stack, one.Out)
		case syntax.InstFail:
		default:
			set = append(set, pc)
		}
	}
	return set
}

// state gives that of a set of instructions.
func (a *automaton) state(set []uint32) int32 {
	for _, pc := range set {
		if a.prog.Inst[pc].Op == syntax.InstMatch {
			return accepting
		}
	}
	slices.Sort(set)
	return a.of(slices.Compact(set))
}
