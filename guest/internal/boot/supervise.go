package boot

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// stopGrace is from TERM to KILL, bootDeadline what another one gets that holds the lock.
const (
	stopGrace    = 2 * time.Second
	bootDeadline = 10 * time.Second
)

// start boots the machine, answers, and stays as its supervisor until PID 1 is gone.
func start(in io.Reader, out io.Writer) error {
	spec, err := parseSpec(in)
	if err != nil {
		return err
	}
	held, err := lockUnlessReady(spec.Directory)
	if err != nil {
		return err
	}
	if held == nil {
		reply(out, answer{Status: "running"})
		return nil
	}
	defer held.Close()
	stopping := make(chan os.Signal, 1)
	signal.Notify(stopping, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	cleanUp(spec.Directory)
	defer cleanUp(spec.Directory)
	if err := applyNext(spec.Directory, spec.Next); err != nil {
		return err
	}

	control, err := listen(spec.Directory, controlSocket)
	if err != nil {
		return err
	}
	child, warnings, err := launch(spec)
	if err != nil {
		return err
	}
	if err := record(spec.Directory, warnings); err != nil {
		_ = child.Process.Kill()
		_ = child.Wait()
		return err
	}
	reply(out, answer{Status: "started", Warnings: warnings})

	letGoOfStdio()
	freezer := findFreezer(spec.Directory)
	go serveControl(control, stopping, freezer)
	go func() { _ = removeTree(spec.Directory, oldDirectory) }()
	ended := make(chan struct{})
	go func() {
		_ = child.Wait()
		close(ended)
	}()
	runtime.GOMAXPROCS(1)
	debug.FreeOSMemory()
	select {
	case <-ended:
		control.Close() // who comes now waits for the lock, too
	case <-stopping:
		control.Close() // who comes now waits for the lock
		freezer.end()
		terminate(child.Process, ended)
	}
	return nil
}

// terminate asks PID 1 to end and kills it after the grace. It asks again and again, since the kernel drops a signal for which
// the PID 1 of a namespace has no handler yet (pid_namespaces(7)): it may have been started only just now.
func terminate(agent *os.Process, ended <-chan struct{}) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for over := time.After(stopGrace); ; {
		_ = agent.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-again.C:
		case <-over:
			// The kernel kills every other process of a pid namespace before its PID 1 can be waited for.
			_ = agent.Kill()
			<-ended
			return
		}
	}
}

// record leaves the warnings for whoever asks later. Only the holder of the lock writes it.
func record(directory string, warnings []string) error {
	data, err := json.Marshal(map[string]any{"warnings": append([]string{}, warnings...)})
	if err != nil {
		return err
	}
	path := filepath.Join(directory, bootFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// cleanUp removes what a machine has outside of its files, also what one that was killed has left.
func cleanUp(directory string) {
	thawAny(directory)
	removeGroups(directory)
	_ = os.Remove(filepath.Join(directory, agentSocket))
	_ = os.Remove(filepath.Join(directory, controlSocket))
}

// serveControl says "ready" to each who connects, and stops the machine when a line "stop" comes. Connections stay open until
// this process is gone, so that their end says: all is cleaned up. Who says "freeze" has the machine stand still until "thaw", or
// until the connection ends: it must not stay so when that process is killed.
func serveControl(control net.Listener, stopping chan<- os.Signal, freezer *freezer) {
	var frozen sync.Mutex
	for {
		connection, err := control.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = connection.Write([]byte("ready\n"))
			lines := bufio.NewScanner(connection)
			thaw := func() {}
			defer func() { thaw() }()
			for lines.Scan() {
				switch lines.Text() {
				case "freeze":
					frozen.Lock()
					thaw = sync.OnceFunc(func() { freezer.goOn(); frozen.Unlock() })
					if err := freezer.stop(); err != nil {
						thaw()
						fmt.Fprintf(connection, "not frozen: %s\n", err)
						continue
					}
					_, _ = connection.Write([]byte("frozen\n"))
				case "thaw":
					thaw()
					_, _ = connection.Write([]byte("thawed\n"))
				}
				if lines.Text() == "stop" {
					select {
					case stopping <- syscall.SIGTERM:
					default:
					}
					select {} // until the process ends
				}
			}
			connection.Close()
		}()
	}
}

// lockUnlessReady waits out another one that boots or stops this machine. Nil without an error: it is up.
func lockUnlessReady(directory string) (*os.File, error) {
	for deadline := time.Now().Add(bootDeadline); ; {
		held, err := lock(directory)
		if held != nil || err != nil {
			return held, err
		}
		if connection, err := net.Dial("unix", filepath.Join(directory, controlSocket)); err == nil {
			_ = connection.SetDeadline(deadline)
			n, _ := connection.Read(make([]byte, 1))
			connection.Close()
			if n > 0 {
				return nil, nil
			}
		}
		if time.Now().After(deadline) {
			return nil, failf("busy", "another process has held the machine for %s without bringing it up", bootDeadline)
		}
		// The holder is between taking the lock and listening, or between its last breath and giving the lock back: moments.
		time.Sleep(2 * time.Millisecond)
	}
}

// letGoOfStdio lets the one who started us see the end of our output while we live on.
func letGoOfStdio() {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		_ = syscall.Dup3(int(null.Fd()), fd, 0)
	}
	_ = null.Close()
}
