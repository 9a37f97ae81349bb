package boot

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// holdFiles keeps what is below a machine's directory from being removed.
func holdFiles(directory string) (release func() error, err error) {
	files, err := lockFiles(directory)
	if err != nil {
		return nil, err
	}
	return sync.OnceValue(files.Close), nil
}

// holdStill keeps a machine from changing its files as well: one that does not run from being started, one that runs by freezing it. release
// tells whether that held to the end.
func holdStill(directory string) (release func() error, err error) {
	for deadline := time.Now().Add(bootDeadline); ; {
		files, err := lockFiles(directory)
		if err != nil {
			return nil, err
		}
		goOn, err := still(directory)
		if goOn != nil {
			return sync.OnceValue(func() error { return errors.Join(goOn(), files.Close()) }), nil
		}
		files.Close()
		if err != nil {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, failf("busy", "the machine was expected to be up or down, and was neither for %s", bootDeadline).hint("Try again.")
		}
		// It ends, or is about to listen: moments. An ephemeral one takes the lock of its files to end.
		time.Sleep(2 * time.Millisecond)
	}
}

// still is holdStill for a machine that is up or down; nil without an error: it is neither.
func still(directory string) (goOn func() error, err error) {
	held, err := lock(directory)
	if err != nil {
		return nil, err
	}
	if held != nil {
		return held.Close, nil
	}
	connection, err := net.Dial("unix", filepath.Join(directory, controlSocket))
	if err != nil {
		return nil, nil
	}
	_ = connection.SetDeadline(time.Now().Add(bootDeadline + freezeDeadline))
	// Said before it is ready: one that is on its way down hangs up on whoever says this.
	_, _ = fmt.Fprintln(connection, "freeze")
	lines := bufio.NewReader(connection)
	ready, err := lines.ReadString('\n')
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		connection.Close()
		return nil, nil
	}
	expect := func(line string, err error, want string) error {
		if err == nil && line == want+"\n" {
			return nil
		}
		connection.Close()
		return failf("busy", "expected the machine's supervisor to say %q, got %q (%v)", want, line, err).hint("Try again.")
	}
	if err := expect(ready, err, "ready"); err != nil {
		return nil, err
	}
	frozen, err := lines.ReadString('\n')
	if err := expect(frozen, err, "frozen"); err != nil {
		return nil, err
	}
	_ = connection.SetDeadline(time.Time{})
	return func() error {
		defer connection.Close()
		_, _ = fmt.Fprintln(connection, "thaw")
		thawed, err := lines.ReadString('\n')
		return expect(thawed, err, "thawed")
	}, nil
}
