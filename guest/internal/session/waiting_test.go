package session

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lms-computer/guest/internal/account"
	"lms-computer/guest/internal/process"
)

// As sudo runs it.
func TestWhatAUserRunsAsRootIsSeenToReadItsInput(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("root alone may be somebody else")
	}
	path := filepath.Join(t.TempDir(), "in")
	in, err := newStdin(path)
	must(t, err)
	began := process.BootTicks()
	program := exec.Command("sh", "-c", "cat <"+path)
	must(t, program.Start())
	defer func() { in.end(); _ = program.Wait() }()

	defer account.Use("root")
	account.Use("65534:65534")
	c := &Command{stdin: in, ended: make(chan struct{})}
	c.tree.Store(&process.Tree{Shell: program.Process.Pid, Since: began})
	for deadline := time.Now().Add(20 * time.Second); !c.readsInput(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was not seen")
		}
	}
}
