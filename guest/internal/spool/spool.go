// Package spool keeps what a command has written: all of it up to a cap, then the head and the tail.
package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"lms-computer/guest/internal/own"
)

// A small log stays in memory; a larger one has a file: the head as it is, then a ring for the tail.
const (
	memoryBytes = 16 << 10
	HeadBytes   = 8 << 20
	TailBytes   = 8 << 20
)

// Log is safe for one writer and many readers.
type Log struct {
	mu      sync.Mutex
	path    string
	memory  []byte
	file    *os.File
	broken  bool // the file could not be written: only memory is left
	dropped bool
	total   int64
}

// New makes an empty log that will use the file at path once it grows.
func New(path string) *Log { return &Log{path: path} }

// Write never fails: what can not be kept is counted.
func (l *Log) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(data)
	if l.file == nil && !l.broken && !l.dropped && len(l.memory)+n > memoryBytes {
		l.spill()
	}
	if l.file == nil {
		if room := memoryBytes - len(l.memory); room > 0 && !l.dropped {
			l.memory = append(l.memory, data[:min(room, n)]...)
		}
		l.total += int64(n)
		return n, nil
	}
	for len(data) > 0 {
		at, room := place(l.total)
		part := data[:min(int64(len(data)), room)]
		if _, err := l.file.WriteAt(part, at); err != nil {
			l.fail()
			l.total += int64(len(data))
			return n, nil
		}
		l.total += int64(len(part))
		data = data[len(part):]
	}
	return n, nil
}

// place maps an offset of the stream to one of the file, and says how many bytes fit there in a row.
func place(offset int64) (at, room int64) {
	if offset < HeadBytes {
		return offset, HeadBytes - offset
	}
	ring := (offset - HeadBytes) % TailBytes
	return HeadBytes + ring, TailBytes - ring
}

func (l *Log) spill() {
	file, err := own.Create(l.path)
	if errors.Is(err, fs.ErrNotExist) { // the guest has removed the directory
		_ = os.MkdirAll(filepath.Dir(l.path), 0o711)
		file, err = own.Create(l.path)
	}
	if err == nil {
		// Nobody else needs the name, and a guest that does not see the file can not grow or shrink it.
		_ = os.Remove(l.path)
		_, err = file.WriteAt(l.memory, 0)
	}
	if err != nil {
		if file != nil {
			file.Close()
		}
		l.broken = true
		return
	}
	l.file = file
	l.memory = nil
}

// fail is for a full disk: what was read so far of the head is brought back to memory, the rest is counted only.
func (l *Log) fail() {
	head := make([]byte, memoryBytes)
	n, _ := l.file.ReadAt(head, 0)
	l.memory = head[:min(int64(n), l.total)]
	l.file.Close()
	l.file, l.broken = nil, true
}

// Total is how many bytes were written so far.
func (l *Log) Total() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Stored is how many bytes of disk the log holds.
func (l *Log) Stored() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return 0
	}
	return min(l.total, HeadBytes+TailBytes)
}

// Read returns up to length bytes at offset, and where they begin: later than asked where the middle was dropped.
func (l *Log) Read(offset, length int64) (data []byte, from int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	headEnd, tailStart := l.kept()
	if offset >= headEnd && offset < tailStart {
		offset = tailStart
	}
	if offset >= l.total || length <= 0 {
		return nil, min(offset, l.total)
	}
	end := min(offset+length, l.total)
	if offset < headEnd {
		end = min(end, headEnd)
	}
	if l.file == nil {
		return append([]byte(nil), l.memory[offset:end]...), offset
	}
	data = make([]byte, end-offset)
	for done := int64(0); done < int64(len(data)); {
		at, room := place(offset + done)
		part := data[done:min(int64(len(data)), done+room)]
		if _, err := l.file.ReadAt(part, at); err != nil {
			return data[:done], offset
		}
		done += int64(len(part))
	}
	return data, offset
}

// kept tells what is still there: [0, headEnd) and [tailStart, total).
func (l *Log) kept() (headEnd, tailStart int64) {
	if l.file == nil {
		if n := int64(len(l.memory)); n < l.total {
			return n, l.total
		}
		return l.total, l.total
	}
	if l.total <= HeadBytes+TailBytes {
		return l.total, l.total
	}
	return HeadBytes, l.total - TailBytes
}

// HeadTail returns the first and last bytes within max, and how many lie between.
func (l *Log) HeadTail(max int64) (head, tail []byte, omitted int64) {
	total := l.Total()
	if total <= max {
		head, _ = l.Read(0, total)
		if missing := total - int64(len(head)); missing > 0 {
			tail, _ = l.Read(int64(len(head)), missing)
		}
	} else {
		head, _ = l.Read(0, max-max/2)
		tail, _ = l.Read(total-max/2, max/2)
	}
	return head, tail, total - int64(len(head)) - int64(len(tail))
}

// Drop forgets the content; the count stays.
func (l *Log) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.memory, l.dropped = nil, nil, true
}
