package boot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// An ephemeral machine takes the lock of its files to end, and who copies them has that one and waits for the machine.
func TestACopyDoesNotHoldUpTheEndOfAnEphemeralMachine(t *testing.T) {
	m := newMachine(t)
	supervisor, said := m.tryBoot(func(s *Spec) { s.UnheldMs = 3_600_000 })
	if said.Status != "started" {
		t.Fatalf("got %+v", said)
	}
	files, err := lockFiles(m.directory)
	must(t, err)
	order, _ := json.Marshal(copyOrder{Directory: m.directory, Target: t.TempDir()})
	command := exec.Command("/proc/self/exe", "boot", "copy")
	var says bytes.Buffer
	command.Stdin, command.Stdout = bytes.NewReader(order), &says
	must(t, command.Start())
	waitsForLock(t, command.Process.Pid)
	stopped := make(chan struct{})
	go func() { m.stop(); close(stopped) }()
	waitsForLock(t, supervisor.Process.Pid)
	files.Close()
	_ = command.Wait()
	<-stopped
	if !strings.Contains(says.String(), "machine_gone") {
		t.Errorf("the copier said %s", &says)
	}
	if _, err := os.Lstat(m.directory); !os.IsNotExist(err) {
		t.Errorf("the directory is left: %v", err)
	}
}

// waitsForLock returns once that process stands in the queue of a flock (proc_locks(5)).
func waitsForLock(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		locks, err := os.ReadFile("/proc/locks")
		must(t, err)
		for line := range strings.Lines(string(locks)) {
			if strings.Contains(line, "-> FLOCK") && strings.Contains(line, fmt.Sprintf(" %d ", pid)) {
				return
			}
		}
	}
	t.Fatalf("process %d waits for no lock", pid)
}
