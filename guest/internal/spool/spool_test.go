package spool

import (
	"bytes"
	"path/filepath"
	"testing"
)

func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i>>8 ^ i)
	}
	return data
}

func TestWholeLog(t *testing.T) {
	for _, size := range []int{0, 1, memoryBytes, memoryBytes + 1, 3 << 20, HeadBytes + TailBytes} {
		log, data := New(filepath.Join(t.TempDir(), "log")), pattern(size)
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 7777)
			_, _ = log.Write(rest[:n])
			rest = rest[n:]
		}
		got := []byte{}
		for {
			part, from := log.Read(int64(len(got)), 1<<20)
			if len(part) == 0 {
				break
			}
			if from != int64(len(got)) {
				t.Fatalf("%d: asked for %d, got %d", size, len(got), from)
			}
			got = append(got, part...)
		}
		if !bytes.Equal(got, data) || log.Total() != int64(size) {
			t.Fatalf("%d: got %d bytes back", size, len(got))
		}
	}
}

func TestMiddleIsDropped(t *testing.T) {
	log, data := New(filepath.Join(t.TempDir(), "log")), pattern(HeadBytes+2*TailBytes+12345)
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 1<<20)
		_, _ = log.Write(rest[:n])
		rest = rest[n:]
	}
	part, from := log.Read(HeadBytes, 10)
	if want := int64(len(data) - TailBytes); from != want || !bytes.Equal(part, data[want:want+10]) {
		t.Fatalf("expected to go on at %d, got %d", want, from)
	}
	head, tail, omitted := log.HeadTail(101)
	if !bytes.Equal(head, data[:51]) || !bytes.Equal(tail, data[len(data)-50:]) || omitted != int64(len(data)-101) {
		t.Fatalf("got %d, %d, %d", len(head), len(tail), omitted)
	}
	log.Drop()
	if part, _ := log.Read(0, 10); len(part) != 0 || log.Total() != int64(len(data)) {
		t.Fatal("a dropped log has bytes or forgot its size")
	}
}

func TestNoDisk(t *testing.T) {
	log := New("/nonexistent/dir/log")
	data := pattern(memoryBytes * 4)
	_, _ = log.Write(data[:memoryBytes*2])
	_, _ = log.Write(data[memoryBytes*2:])
	part, _ := log.Read(0, int64(len(data)))
	if !bytes.Equal(part, data[:len(part)]) || log.Total() != int64(len(data)) {
		t.Fatalf("got %d bytes of %d", len(part), log.Total())
	}
}
