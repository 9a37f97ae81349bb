package search

import (
	"encoding/binary"
	"regexp/syntax"
)

const (
	maxStates = 512 // of 1 KiB each
	// maxSetsLength bounds the sets of all states together.
	maxSetsLength = 256 << 10
	maxResets     = 32
	unknown       = -1
	rowLength     = 256
)

// states are those of an automaton, each a set of instructions. They are made as they are needed, and numbered by where their
// row of the table begins. They belong to one goroutine.
type states struct {
	prog   *syntax.Prog
	table  []int32 // [state + byte] is the next state
	sets   [][]uint32
	byName map[string]int32
	length int // of all sets
	resets int
	marked []bool
}

// clear leaves as many states as an automaton has numbers for what is none.
func (s *states) clear(reserved int) {
	s.table, s.sets, s.byName = make([]int32, reserved*rowLength), make([][]uint32, reserved), map[string]int32{}
	s.length = 0
}

func (s *states) full() bool { return len(s.sets) >= maxStates || s.length > maxSetsLength }

// of gives the state of a set.
func (s *states) of(set []uint32) int32 {
	name := make([]byte, 0, 64)
	for _, part := range set {
		name = binary.NativeEndian.AppendUint32(name, part)
	}
	if state, ok := s.byName[string(name)]; ok {
		return state
	}
	state := int32(len(s.table))
	s.byName[string(name)] = state
	s.sets = append(s.sets, set)
	s.length += len(set)
	for range rowLength {
		s.table = append(s.table, unknown)
	}
	return state
}
