package boot

import (
	"os"
	"testing"
)

func TestATreeTooDeepForDescriptors(t *testing.T) {
	m := newMachine(t)
	m.boot()
	// The shell's own cd would be slow: it keeps the whole name.
	m.expect(`perl -e 'chdir "/tmp"; for (1..25000) { mkdir "d", 0700; chdir "d" } print "made"'`, "made")
	m.stop()
	if _, said := m.boot(); said.Status != "started" {
		t.Fatalf("got %+v", said)
	}
	m.expect("ls /tmp", "")
	m.stop()
	m.remove()
	if _, err := os.Lstat(m.directory); !os.IsNotExist(err) {
		t.Fatal("the directory is left:", err)
	}
}
