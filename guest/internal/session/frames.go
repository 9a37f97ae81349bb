package session

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Types of the frames of an exec's answer. See docs/protocol.md.
const (
	frameStdout  = 1
	frameStderr  = 2
	frameStarted = 3
	frameResult  = 4
)

// A short command's whole answer goes out in one piece: what is written waits this long for more, unless it grows large.
const (
	flushAfter = 2 * time.Millisecond
	flushBytes = 32 << 10
)

// frames writes an exec's answer. Writing blocks while the host reads slowly; after close it is a no-op, so that a command can outlive
// its answer.
type frames struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	flusher http.Flusher
	buffer  []byte
	timer   *time.Timer
	closed  bool
}

func newFrames(w http.ResponseWriter) *frames {
	w.Header().Set("content-type", "application/octet-stream")
	flusher, _ := w.(http.Flusher)
	return &frames{w: w, flusher: flusher}
}

func (f *frames) write(kind byte, payload []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(kind, payload)
	switch {
	case f.closed:
	case len(f.buffer) >= flushBytes:
		f.flush()
	case f.timer == nil:
		f.timer = time.AfterFunc(flushAfter, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.flush()
		})
	}
}

// add is called with the lock held. A payload is never longer than a pump's buffer or half of what the caller asked for; the latter is
// cut into frames that the host takes.
func (f *frames) add(kind byte, payload []byte) {
	const most = 1 << 20
	for first := true; !f.closed && (first || len(payload) > 0); first = false {
		part := payload[:min(len(payload), most)]
		payload = payload[len(part):]
		f.buffer = append(f.buffer, kind)
		f.buffer = binary.BigEndian.AppendUint32(f.buffer, uint32(len(part)))
		f.buffer = append(f.buffer, part...)
		if len(payload) > 0 {
			f.flush()
		}
	}
}

// flush is called with the lock held.
func (f *frames) flush() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	if f.closed || len(f.buffer) == 0 {
		return
	}
	if _, err := f.w.Write(f.buffer); err != nil {
		f.closed = true
		return
	}
	f.buffer = f.buffer[:0]
	f.flusher.Flush()
}

func (f *frames) json(kind byte, value any) {
	data, _ := json.Marshal(value)
	f.write(kind, data)
}

// close ends the answer; what was written goes out with the end of the handler.
func (f *frames) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed && len(f.buffer) > 0 {
		_, _ = f.w.Write(f.buffer)
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.closed = true
}
