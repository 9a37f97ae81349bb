package needle

// Any finds the first of several texts. Each looks ahead on its own, so that every byte is looked at once for each of them.
// It belongs to one goroutine.
type Any struct {
	finders []*Finder
	in      []byte
	next    []int // where each is next, len(in) when nowhere
}

// NewAny makes an Any.
func NewAny(finders []*Finder) *Any { return &Any{finders: finders, next: make([]int, len(finders))} }

// Reset begins with another text.
func (a *Any) Reset(in []byte) {
	a.in = in
	for i := range a.next {
		a.next[i] = -1
	}
}

// Next gives where the first of them is, at from or later, or -1. from must not decrease.
func (a *Any) Next(from int) int {
	first := len(a.in)
	for i, f := range a.finders {
		if a.next[i] < from {
			a.next[i] = len(a.in)
			if from < len(a.in) {
				if found := f.Index(a.in[from:]); found >= 0 {
					a.next[i] = from + found
				}
			}
		}
		first = min(first, a.next[i])
	}
	if first == len(a.in) {
		return -1
	}
	return first
}
