package boot

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Programs that use the library leave descriptors open for their children, on purpose or not. A directory among them would be the way out.
func TestDescriptorsOfTheHostStayOutside(t *testing.T) {
	const leaked = 200
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "canary"), []byte("alive"), 0o600))
	directory, err := os.Open(outside)
	must(t, err)
	defer directory.Close()
	must(t, syscall.Dup3(int(directory.Fd()), leaked, 0))
	t.Cleanup(func() { _ = syscall.Close(leaked) })
	m := newMachine(t)
	supervisor, _ := m.boot()
	m.expect("cat /proc/self/fd/200/canary 2>/dev/null; ls /proc/self/fd/200 2>/dev/null; true", "")
	// The supervisor lives on, so it must not hold them either: the other end of a pipe would never end.
	if entries, err := os.ReadDir("/proc/" + strconv.Itoa(supervisor.Process.Pid) + "/fd"); err != nil {
		t.Fatal(err)
	} else {
		for _, entry := range entries {
			if entry.Name() == "200" {
				t.Error("the supervisor holds the descriptor")
			}
		}
	}
}

// Root in the guest is the owner of the host's device files, where it is the host's root: a chmod would be the host's.
func TestDevicesKeepTheirModes(t *testing.T) {
	m := newMachine(t)
	m.boot()
	for _, path := range []string{"/dev/full", "/dev/tty", "/proc/keys", "/proc/timer_list"} {
		m.expect("test ! -e "+path+" || chmod 0666 "+path+" 2>/dev/null && test -e "+path+" && echo changed; true", "")
	}
	m.expect("echo x >/dev/null && head -c 1 /dev/zero | wc -c && echo x 2>/dev/null >/dev/full; echo $?", "1\n1")
}
