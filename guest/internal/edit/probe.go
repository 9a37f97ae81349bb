package edit

import (
	"bytes"
	"hash/maphash"
	"slices"
)

const (
	maxCandidates = 8
	// maxProbe is how many segments of the text sought take part in looking for it.
	maxProbe = 64
)

var hashSeed = maphash.MakeSeed()

// candidate is a window of as many segments as the probe has.
type candidate struct {
	from  int // the segment it begins with
	score float64
}

// probe looks through a stream for what is like a text: in one pass, with little work for each byte. It scores every window
// by the trigrams that it shares with the text, and by the lines that are the same but for space around them.
type probe struct {
	grams   [1 << 16]bool
	stamps  [1 << 16]uint32 // the segment that had a trigram last, so that each counts once
	total   int             // trigrams of the text
	places  map[uint64][]int
	weights []float64 // of its segments, 1 in all
	seen    int       // segments so far
	window  []scored  // the last len(weights) segments, a ring
	sum     scored
	best    []candidate
}

type scored struct {
	shared, grams int
	votes         float64 // for the window that begins here
}

func newProbe(text []segment) *probe {
	p := &probe{places: map[uint64][]int{}, weights: make([]float64, len(text)), window: make([]scored, len(text))}
	bytesIn := 0.0
	for i, s := range text {
		for gram := range trigrams(s.text) {
			p.grams[gram] = true
			p.total++
		}
		trimmed := bytes.TrimSpace(s.text)
		p.weights[i] = float64(len(trimmed))
		bytesIn += p.weights[i]
		if hash := maphash.Bytes(hashSeed, trimmed); len(trimmed) > 0 && len(p.places[hash]) < 8 {
			p.places[hash] = append(p.places[hash], i)
		}
	}
	for i := range p.weights {
		p.weights[i] /= max(bytesIn, 1)
	}
	return p
}

// trigrams gives a number for every three bytes that follow each other when white space is left out.
func trigrams(text []byte) func(yield func(uint16) bool) {
	return func(yield func(uint16) bool) {
		var last uint32
		n := 0
		for _, b := range text {
			if b <= ' ' {
				continue
			}
			last = last<<8 | uint32(b)
			if n++; n >= 3 && !yield(uint16(last<<8*0x9E3779B1>>16)) {
				return
			}
		}
	}
}

func (p *probe) look(s segment) {
	at, size := p.seen, len(p.window)
	p.seen++
	slot := &p.window[at%size]
	if at >= size {
		p.judge(at-size, *slot)
		p.sum.shared -= slot.shared
		p.sum.grams -= slot.grams
	}
	*slot = scored{}
	stamp := uint32(p.seen)
	for gram := range trigrams(s.text) {
		slot.grams++
		if p.grams[gram] && p.stamps[gram] != stamp {
			p.stamps[gram] = stamp
			slot.shared++
		}
	}
	p.sum.shared += slot.shared
	p.sum.grams += slot.grams
	if slot.shared == 0 && slot.grams > 0 {
		return
	}
	for _, i := range p.places[maphash.Bytes(hashSeed, bytes.TrimSpace(s.text))] {
		if i <= at {
			p.window[(at-i)%size].votes += p.weights[i]
		}
	}
}

// end judges the windows that reach past the end of the stream.
func (p *probe) end() {
	size := len(p.window)
	for from := max(0, p.seen-size); from < p.seen; from++ {
		slot := p.window[from%size]
		p.judge(from, slot)
		p.sum.shared -= slot.shared
		p.sum.grams -= slot.grams
	}
}

// judge keeps the best windows, of those that overlap by half or more only one. What a window has beyond the text counts
// little against it: the text may be a part of a line.
func (p *probe) judge(from int, first scored) {
	beyond := min(float64(max(0, p.sum.grams-p.total))/16, float64(p.total))
	score := float64(min(p.sum.shared, p.total))/max(float64(p.total)+beyond, 1) + first.votes
	if score < 0.1 || len(p.best) == maxCandidates && score <= p.best[maxCandidates-1].score {
		return
	}
	near := func(c candidate) bool { return from-c.from <= len(p.window)/2 }
	if i := slices.IndexFunc(p.best, near); i >= 0 {
		if p.best[i].score >= score {
			return
		}
		p.best = slices.Delete(p.best, i, i+1)
	}
	i, _ := slices.BinarySearchFunc(p.best, score, func(c candidate, score float64) int {
		if c.score >= score {
			return -1
		}
		return 1
	})
	p.best = slices.Insert(p.best, i, candidate{from, score})
	p.best = p.best[:min(len(p.best), maxCandidates)]
}
