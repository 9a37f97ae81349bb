// Package quota watches what the machine writes, where no file system keeps its limit: file requests past it are refused. Commands are not
// held back by it, so it keeps a well-meant machine within its bounds, not a hostile one.
package quota

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lms-computer/guest/internal/directory"
	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/wire"
)

const (
	// again is how old a measurement may be, and share how many times longer than measuring takes it is at least.
	again = 2 * time.Second
	share = 10
	// patience is how long a request that would be refused waits for a fresh measurement.
	patience = 3 * time.Second
)

// Quota counts. Nil: there is no limit.
type Quota struct {
	limit   int64
	root    string
	since   time.Time // what is older came with the image
	outside []string  // folders of the host's

	written   atomic.Int64 // by file requests since the last measurement
	round     atomic.Int64 // counts measurements
	mu        sync.Mutex
	measured  int64
	known     bool
	next      time.Time     // not before then
	measuring chan struct{} // closed when it is done; nil: none is under way
}

// New begins to count with the machine's first start, which stateDir remembers. 0 bytes: no limit.
func New(limit int64, root, stateDir string, outside []string) *Quota {
	if limit <= 0 {
		return nil
	}
	return &Quota{limit: limit, root: root, since: firstStart(filepath.Join(stateDir, "first-start")), outside: outside}
}

// firstStart is by the file system's own clock, as the times are that it is compared to.
func firstStart(path string) time.Time {
	info, err := os.Lstat(path)
	if err != nil {
		_ = os.MkdirAll(filepath.Dir(path), 0o700)
		_ = own.Write(path, nil)
		info, err = os.Lstat(path)
	}
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}

// Usage is what the machine has written as far as it is known, and the limit; nil for what there is none of.
func (q *Quota) Usage() (used, limit *uint64) {
	if q == nil {
		return nil, nil
	}
	q.look()
	most := uint64(q.limit)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known {
		now := uint64(q.measured + q.written.Load())
		used = &now
	}
	return used, &most
}

// look measures anew when the last time is a while ago; nobody waits for it.
func (q *Quota) look() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.measuring == nil && !time.Now().Before(q.next) {
		q.begin()
	}
}

// begin is called with the lock held, while nothing is being measured.
func (q *Quota) begin() {
	done := make(chan struct{})
	q.measuring = done
	before := q.written.Load()
	go func() {
		defer close(done)
		began := time.Now()
		bytes := directory.Size(q.root, q.since)
		q.mu.Lock()
		defer q.mu.Unlock()
		// What came meanwhile was met or not: it counts until the next measurement tells.
		q.written.Add(-before)
		q.round.Add(1)
		q.measured, q.known, q.measuring = bytes, true, nil
		q.next = time.Now().Add(max(again, share*time.Since(began)))
	}()
}

// lookAgain waits for a measurement that begins now: something may have been removed since the last one.
func (q *Quota) lookAgain() {
	over := time.After(patience)
	for fresh := false; !fresh; {
		q.mu.Lock()
		if q.measuring == nil {
			q.begin()
			fresh = true
		}
		measuring := q.measuring
		q.mu.Unlock()
		select {
		case <-measuring:
		case <-over:
			return
		}
	}
}

// room is an error when so many more bytes are too many.
func (q *Quota) room(more int64) error {
	q.mu.Lock()
	used := q.measured + q.written.Load()
	q.mu.Unlock()
	if used+more <= q.limit {
		return nil
	}
	return wire.Errorf("disk_full", "the machine may write %d bytes and has written about %d", q.limit, used).
		With("limit", q.limit).With("used", used)
}

// Handler refuses what would be too much.
func (q *Quota) Handler(next http.Handler) http.Handler {
	if q == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		copied, takes := q.takesRoom(r)
		if !takes {
			next.ServeHTTP(w, r)
			return
		}
		q.look()
		more := max(r.ContentLength, 0)
		if copied != "" {
			more = directory.Size(copied, time.Time{})
		}
		// Before the room is looked at: a measurement that ends between the two has to be known to the body.
		round := q.round.Load()
		if q.room(more) != nil && more <= q.limit {
			q.lookAgain()
			round = q.round.Load()
		}
		if err := q.room(more); err != nil {
			wire.Fail(w, err)
			return
		}
		if copied != "" {
			q.written.Add(more) // of one that fails, too, until the next measurement
		}
		r.Body = &counting{ReadCloser: r.Body, quota: q, round: round}
		next.ServeHTTP(w, r)
	})
}

// takesRoom tells whether a request may write to the machine's disk, and what it copies there.
func (q *Quota) takesRoom(r *http.Request) (copied string, takes bool) {
	query := r.URL.Query()
	target := query.Get("path")
	switch r.URL.Path {
	case "/v1/files/remove":
		return "", false
	case "/v1/files/copy", "/v1/files/move":
		copied, target = query.Get("from"), query.Get("to")
		if r.URL.Path == "/v1/files/move" && !q.isOutside(copied) {
			return "", false // within the machine that is a rename
		}
	}
	return copied, r.Method != http.MethodGet && !q.isOutside(target)
}

// isOutside tells whether the bytes go to the host, whose disk is its own affair.
func (q *Quota) isOutside(path string) bool {
	path = filepath.Clean(path)
	for _, folder := range q.outside {
		if path == folder || strings.HasPrefix(path, folder+"/") {
			return true
		}
	}
	return false
}

// counting is a body that ends with an error at the limit.
type counting struct {
	io.ReadCloser
	quota *Quota
	round int64
	bytes int64
	// looked is true once a measurement was waited for.
	looked bool
	full   error
}

func (c *counting) Read(data []byte) (int, error) {
	if c.full != nil {
		return 0, c.full
	}
	n, err := c.ReadCloser.Read(data)
	c.bytes += int64(n)
	c.quota.written.Add(int64(n))
	if n > 0 {
		c.full = c.quota.room(0)
	}
	if c.full != nil && !c.looked && c.round != c.quota.round.Load() {
		// A measurement has ended meanwhile, and may have met what counts again.
		c.looked = true
		c.quota.lookAgain()
		c.full = c.quota.room(0)
	}
	if c.full != nil {
		if c.round == c.quota.round.Load() {
			c.quota.written.Add(-c.bytes) // what came of it is thrown away
		}
		return 0, c.full
	}
	return n, err
}
