package shared

import (
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func TestBornAt(t *testing.T) {
	if size := unsafe.Sizeof(statx{}); size != 256 {
		t.Fatalf("statx: expected 256 bytes as the kernel has it, got %d", size)
	}
	directory := t.TempDir()
	before := time.Now().Add(-slack)
	file, err := os.Open(directory)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := os.Chtimes(directory, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	var is syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &is); err != nil {
		t.Fatal(err)
	}
	if born := bornAt(int(file.Fd()), &is); born.Before(before) || born.After(time.Now().Add(slack)) {
		t.Errorf("expected about now, got %s", born)
	}
}
