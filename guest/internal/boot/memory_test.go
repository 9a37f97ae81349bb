package boot

import "testing"

// Files in memory can not be killed: a machine whose files fill its memory would lose all its processes, the agent too.
func TestFilesInMemoryLeaveRoomForProcesses(t *testing.T) {
	m := newMachine(t) // of 256 MiB
	m.boot()
	for _, path := range []string{"/dev/shm/x", "/run/x", "/run/lms/x", "/dev/x"} {
		m.expect("head -c 300M /dev/zero 2>/dev/null >"+path+" || echo full", "full")
	}
	m.expect("echo alive", "alive")
	// The agent's own has its own, or the command that makes room could not be written down.
	m.expect("rm /run/lms/x && head -c 1M /dev/zero >/run/lms/y && echo room", "room")
	m.expect("cd /run && seq 40000 | xargs mkdir 2>/dev/null; echo $(($(ls /run | wc -l) < 20000))", "1")
}
