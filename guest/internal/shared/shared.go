// Package shared sees to it that what is made on a folder of the host's belongs to the folder's owner: where root in the machine is root on
// the host too, its user would be left with files that are root's.
//
// The kernel could do it by itself with a mapped mount, which engines can not be asked for. So after each command, and every few seconds,
// the folders are looked through for what is new. A directory's change time tells whether something was made in it: only in those the
// entries are looked at, of the others no more than the directories below. What is not seen: a file that was given to root in place, one
// with more than one hard link (it may be the other name of anybody's file), and what was made when the machine was killed.
package shared

import (
	"net/http"
	"os"
	"syscall"
	"time"
)

const (
	// settleWait is how long a command's result waits for its files to be handed over; a large folder is finished after it.
	settleWait = 300 * time.Millisecond
	// interval is for what is made in the background. A folder that takes long is looked at less often: a hundredth of the time at most.
	interval = 5 * time.Second
	share    = 100
)

// Folders are those that may need it. Nil is none.
type Folders struct {
	all   []*folder
	asked chan chan struct{}
}

// Watch begins. What belongs to root on the host, or is seen as root's because root here is the host's user, needs nothing.
func Watch(paths []string) *Folders {
	f := &Folders{asked: make(chan chan struct{}, 64)}
	for _, path := range paths {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var is syscall.Stat_t
		if syscall.Fstat(fd, &is) != nil || is.Uid == 0 {
			syscall.Close(fd)
			continue
		}
		f.all = append(f.all, newFolder(fd, is))
	}
	if len(f.all) == 0 {
		return nil
	}
	go f.run()
	return f
}

func (f *Folders) run() {
	pause := interval
	for {
		var waiting []chan struct{}
		select {
		case one := <-f.asked:
			waiting = append(waiting, one)
		case <-time.After(pause):
		}
		for len(f.asked) > 0 {
			waiting = append(waiting, <-f.asked)
		}
		began := time.Now()
		for _, one := range f.all {
			one.handOver()
		}
		for _, one := range waiting {
			close(one)
		}
		pause = max(interval, share*time.Since(began))
	}
}

// Settle hands over what is new; it returns when that is done, or after a moment.
func (f *Folders) Settle() {
	if f == nil {
		return
	}
	done := make(chan struct{})
	select {
	case f.asked <- done:
	default:
		return // as many wait already: one more would wait for the same
	}
	select {
	case <-done:
	case <-time.After(settleWait):
	}
}

// Handler settles before a request that may have changed files is answered.
func (f *Folders) Handler(next http.Handler) http.Handler {
	if f == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&settling{ResponseWriter: w, folders: f}, r)
	})
}

// settling settles before the first byte of an answer.
type settling struct {
	http.ResponseWriter
	folders *Folders
	begun   bool
}

func (s *settling) begin() {
	if !s.begun {
		s.begun = true
		s.folders.Settle()
	}
}

func (s *settling) WriteHeader(status int) {
	s.begin()
	s.ResponseWriter.WriteHeader(status)
}

func (s *settling) Write(data []byte) (int, error) {
	s.begin()
	return s.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (s *settling) Unwrap() http.ResponseWriter { return s.ResponseWriter }

var agentUID = uint32(os.Geteuid())
