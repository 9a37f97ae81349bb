package machine

import (
	"os"
	"syscall"
	"testing"

	"lms-computer/guest/internal/lay"
)

// Root in the guest may put anything where these files are.
func TestWhatIsReadIsBounded(t *testing.T) {
	root := lay.Root(t, map[string]string{"large": string(make([]byte, 1<<20))})
	if err := syscall.Mkfifo(root+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", root+"/zero"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"fifo": 0, "zero": 0, "missing": 0, "large": smallBytes} {
		if got := ReadSmall(root, name); len(got) != want {
			t.Errorf("%s: expected %d bytes, got %d", name, want, len(got))
		}
	}
}
