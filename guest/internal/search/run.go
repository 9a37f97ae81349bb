package search

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"

	"lms-computer/guest/internal/account"
)

const (
	maxBatch = 64
	// handOverBytes is how much one batch holds back before its turn comes.
	handOverBytes = 128 << 10
	maxPending    = 64
)

// batch is some files that follow each other. Batches are searched at the same time, and their results taken in order.
type batch struct {
	paths []string
	out   chan []piece
}

// run is one search under way.
type run struct {
	ctx     context.Context
	pattern *pattern
	context int
	limit   int  // matches that are of use, of each batch
	follow  bool // the paths may be symlinks

	searched, binary, unreadable atomic.Int64
}

// over searches the files that list gives, and calls take with what they hold, in order. take says whether to go on.
func (r *run) over(workers int, list func(each func(path string) error) error, take func([]piece) bool) error {
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	r.ctx = ctx
	work, pending := make(chan *batch, maxPending), make(chan *batch, maxPending)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for range workers {
		group.Go(func() { _ = account.As(func() error { r.work(work); return nil }) })
	}
	var failed error
	group.Go(func() {
		defer close(pending)
		defer close(work)
		failed = account.As(func() error { return r.batches(list, work, pending) })
	})
	for b := range pending {
		for pieces := range b.out {
			if !take(pieces) {
				return nil
			}
		}
	}
	return failed
}

// batches grow: the first results come soon, and a small tree is shared as well.
func (r *run) batches(list func(each func(path string) error) error, work, pending chan<- *batch) error {
	var paths []string
	total := 0
	send := func() error {
		b := &batch{paths, make(chan []piece, 1)}
		paths = nil
		// Into a worker's hands first: what is waited for must be sure to be closed.
		for _, to := range []chan<- *batch{work, pending} {
			select {
			case to <- b:
			case <-r.ctx.Done():
				return r.ctx.Err()
			}
		}
		return nil
	}
	err := list(func(path string) error {
		paths = append(paths, path)
		total++
		if len(paths) >= min(maxBatch, 4+total/32) {
			return send()
		}
		return nil
	})
	if err == nil && len(paths) > 0 {
		err = send()
	}
	return err
}

func (r *run) work(work <-chan *batch) {
	s := &scanner{
		ctx: r.ctx, pattern: r.pattern, filter: r.pattern.filter(), matcher: newMatcher(r.pattern), context: r.context,
		report: &report{}, buffer: make([]byte, bufferBytes),
	}
	for b := range work {
		s.left, s.full = r.limit, func() {
			if s.report.bytes >= handOverBytes {
				r.hand(b, s.report.take())
			}
		}
		for _, path := range b.paths {
			if r.ctx.Err() != nil || s.left == 0 {
				break
			}
			r.one(s, path)
			s.full()
		}
		r.hand(b, s.report.take())
		close(b.out)
	}
}

func (r *run) hand(b *batch, pieces []piece) {
	if len(pieces) == 0 {
		return
	}
	select {
	case b.out <- pieces:
	case <-r.ctx.Done():
	}
}

func (r *run) one(s *scanner, path string) {
	s.report.begin(path)
	binary, err := s.scan(path, r.follow)
	s.report.cut()
	switch {
	case binary:
		r.binary.Add(1)
	case err == syscall.ENOENT || r.ctx.Err() != nil:
	case err != nil:
		r.unreadable.Add(1)
	default:
		r.searched.Add(1)
	}
}
