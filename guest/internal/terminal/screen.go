package terminal

import (
	"sync"
	"time"
)

const (
	scrollbackBytes = 64 << 10
	// A viewer may fall this far behind before the program is made to wait for it, and this long before it is cut off: one
	// stalled viewer must not freeze the terminal for the others.
	viewerBytes = 256 << 10
	viewerStall = 5 * time.Second
)

// screen hands what a program shows to every viewer and keeps the end of it for the next one.
type screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	recent  []byte
	viewers map[*viewer]bool
	ended   bool
}

type viewer struct {
	pending []byte
	cut     bool
}

func newScreen() *screen {
	s := &screen{viewers: map[*viewer]bool{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *screen) write(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent = append(s.recent, data...)
	if extra := len(s.recent) - scrollbackBytes; extra > 0 {
		s.recent = append(s.recent[:0], s.recent[extra:]...)
	}
	for v := range s.viewers {
		if !v.cut { // one that is cut may still stand in the middle of a write, for as long as it likes
			v.pending = append(v.pending, data...)
		}
	}
	s.changed.Broadcast()
	if !s.behind() {
		return
	}
	stall := time.AfterFunc(viewerStall, s.cutOff)
	defer stall.Stop()
	for s.behind() {
		s.changed.Wait()
	}
}

// cutOff lets go of the viewers that are behind.
func (s *screen) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.viewers {
		if len(v.pending) > viewerBytes {
			v.cut, v.pending = true, nil
		}
	}
	s.changed.Broadcast()
}

func (s *screen) behind() bool {
	for v := range s.viewers {
		if !v.cut && len(v.pending) > viewerBytes {
			return true
		}
	}
	return false
}

func (s *screen) attach() *viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &viewer{pending: append([]byte(nil), s.recent...)}
	s.viewers[v] = true
	return v
}

func (s *screen) detach(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.cut = true
	delete(s.viewers, v)
	s.changed.Broadcast()
}

// next waits for bytes; nil when there will be none.
func (s *screen) next(v *viewer) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(v.pending) == 0 && !s.ended && !v.cut {
		s.changed.Wait()
	}
	if v.cut {
		return nil
	}
	data := v.pending
	v.pending = nil
	s.changed.Broadcast()
	return data
}

func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

func (s *screen) attached() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.viewers)
}
