package server

import (
	"runtime"
	"sync"
)

// spareThreads is more than the agent has been seen to use at once.
const spareThreads = 24

// reserveThreads has the runtime start threads ahead: they stay idle for later use. Where the guest has used up the machine's process limit the
// runtime could start none, and it does not fail then but dies, and the machine with it.
func reserveThreads() {
	var up, done sync.WaitGroup
	done.Add(1)
	for range spareThreads {
		up.Add(1)
		go func() {
			runtime.LockOSThread()
			up.Done()
			done.Wait()
			runtime.UnlockOSThread()
		}()
	}
	up.Wait()
	done.Done()
}
