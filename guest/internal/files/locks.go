package files

import (
	"net/http"
	"sync"
)

// locks are held by path. A channel, not a mutex: who waits can leave.
type locks struct {
	mutex sync.Mutex
	held  map[string]chan struct{} // closed when free
}

var editing = locks{held: map[string]chan struct{}{}}

func (l *locks) lock(r *http.Request, path string) (unlock func(), err error) {
	for {
		l.mutex.Lock()
		holder, busy := l.held[path]
		if !busy {
			free := make(chan struct{})
			l.held[path] = free
			l.mutex.Unlock()
			return func() {
				l.mutex.Lock()
				delete(l.held, path)
				l.mutex.Unlock()
				close(free)
			}, nil
		}
		l.mutex.Unlock()
		select {
		case <-holder:
		case <-r.Context().Done():
			return nil, Failed(r.Context().Err(), path)
		}
	}
}
