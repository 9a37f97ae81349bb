package server

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// This test's own program is the agent here.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "init" {
		dir := os.Args[2]
		_ = Serve(Options{
			Socket: filepath.Join(dir, "run", "agent.sock"), ListenFD: -1, RunDir: filepath.Join(dir, "run"), SpoolDir: filepath.Join(dir, "spool"),
			StateDir: filepath.Join(dir, "state"), Home: filepath.Join(dir, "home"),
		})
		os.Exit(1)
	}
	if len(os.Args) > 2 && os.Args[1] == "become" {
		os.Exit(1) // no shells here
	}
	os.Exit(m.Run())
}

func startAgent(t *testing.T, dir string) (*os.Process, string) {
	t.Helper()
	agent := exec.Command("/proc/self/exe", "init", dir)
	agent.Stderr = os.Stderr
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	return agent.Process, filepath.Join(dir, "run", "agent.sock")
}

// answers tells whether the agent says hello before long.
func answers(socket string) bool {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: &http.Transport{
		Protocols:   &protocols,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) },
	}}
	defer client.CloseIdleConnections()
	for range 100 {
		if response, err := client.Get("http://agent/v1/hello"); err == nil {
			_ = response.Body.Close()
			return response.StatusCode == http.StatusOK
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func TestSignalsOfTheGuestEndNothing(t *testing.T) {
	agent, socket := startAgent(t, t.TempDir())
	if !answers(socket) {
		t.Fatal("it does not answer")
	}
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGSYS, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGXCPU} {
		if err := agent.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if !answers(socket) {
			t.Fatalf("gone after %s", signal)
		}
	}
}

func TestADeletedSocketIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	agent, socket := startAgent(t, dir)
	if !answers(socket) {
		t.Fatal("it does not answer")
	}
	for range 2 {
		if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
			t.Fatal(err)
		}
		if err := agent.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if !answers(socket) {
			t.Fatal("it does not answer again")
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v", info, err)
	}
}

func TestWhatTheGuestLeftKeepsNoAgentFromStarting(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"run", "spool"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sessions.json", "environment.json"} {
		if err := syscall.Mkfifo(filepath.Join(dir, "state", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, socket := startAgent(t, dir); !answers(socket) {
		t.Fatal("it does not answer")
	}
}
