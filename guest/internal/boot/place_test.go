package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoMachineIsRenamedToWhereItsSocketsAreOutOfReach(t *testing.T) {
	state := t.TempDir()
	for room := maxSocketPath - len(filepath.Join(state, "m", controlSocket)); room > 60; room -= 50 {
		state = filepath.Join(state, strings.Repeat("s", 49))
	}
	p := &place{directory: filepath.Join(state, "m")}
	must(t, os.MkdirAll(p.directory, 0o700))
	must(t, p.rename("short"))
	if err := p.rename(strings.Repeat("n", 63)); codeOf(err) != "invalid_argument" {
		t.Errorf("got %v", err)
	}
	if want := filepath.Join(state, "short"); p.directory != want {
		t.Errorf("expected it to be in %s, it is in %s", want, p.directory)
	}
	_, err := os.Stat(p.directory)
	must(t, err)
}
