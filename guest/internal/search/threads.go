package search

import (
	"runtime"
	"sync"
)

// maxThreads bounds what one search takes of a large machine.
const maxThreads = 6

var threads struct {
	mutex    sync.Mutex
	searches int
	before   int // GOMAXPROCS without a search
}

// raiseThreads lets searches use the processors that the machine may use, until the last of them calls release. The agent has
// one otherwise: see server.Serve.
func raiseThreads() (workers int, release func()) {
	threads.mutex.Lock()
	defer threads.mutex.Unlock()
	if threads.searches == 0 {
		threads.before = runtime.GOMAXPROCS(0)
		runtime.SetDefaultGOMAXPROCS() // heeds the cgroup's limit
		if runtime.GOMAXPROCS(0) > maxThreads {
			runtime.GOMAXPROCS(maxThreads)
		}
	}
	threads.searches++
	return runtime.GOMAXPROCS(0), func() {
		threads.mutex.Lock()
		defer threads.mutex.Unlock()
		if threads.searches--; threads.searches == 0 {
			runtime.GOMAXPROCS(threads.before)
		}
	}
}
