package session

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What any process of the machine may do to our files must cost no more than the shell that they belong to.
func within(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s: no end after %s", what, limit)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStdinWhoseNameWasTaken(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"gone": func(string) error { return nil },
		"file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"fifo": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "i")
		s, err := newStdin(path)
		must(t, err)
		time.Sleep(20 * time.Millisecond) // it waits in open(2)
		must(t, os.Remove(path))
		must(t, put(path))
		within(t, 5*time.Second, what, func() {
			s.end()
			<-s.ready
		})
	}
}

// A dead process that another one traces and does not look at can not be reaped.
func TestAShellThatIsTraced(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		g.expect("cd /tmp; export A=1", 0, "")
		pid, err := strconv.Atoi(strings.TrimSpace(g.run("echo $$").out))
		must(t, err)
		// The tracer is not in the tree, as one that an earlier command left.
		tracer := exec.Command("/proc/self/exe", "trace", strconv.Itoa(pid))
		output, err := tracer.StdoutPipe()
		must(t, err)
		must(t, tracer.Start())
		t.Cleanup(func() { _ = tracer.Process.Kill() })
		if _, err := output.Read(make([]byte, 1)); err != nil {
			t.Skip("a shell can not be traced here")
		}
		within(t, 15*time.Second, "traced", func() {
			if a := g.run("trap '' INT; echo part; sleep 61", "timeoutMs", 200); !a.TimedOut || a.out != "part\n" || a.Shell != "killed" {
				t.Errorf("got %+v", a)
			}
			g.expect("echo $A $PWD", 0, "1 /tmp\n")
		})
	})
}

func init() {
	if len(os.Args) > 2 && os.Args[1] == "trace" {
		trace(os.Args[2])
	}
}

// trace is what the test's program does as a tracer that never looks.
func trace(pid string) {
	runtime.LockOSThread()
	const ptraceSeize = 0x4206
	number, _ := strconv.Atoi(pid)
	if _, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, ptraceSeize, uintptr(number), 0, 0, 0, 0); errno != 0 {
		os.Exit(1)
	}
	fmt.Println("traced")
	time.Sleep(time.Minute)
	os.Exit(0)
}
