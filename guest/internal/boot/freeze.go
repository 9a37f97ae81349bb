package boot

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	freezeAgain    = 200 * time.Millisecond
	freezeDeadline = 10 * time.Second
)

// freezer is where a machine's processes can be made to stand still, all at once and without their noticing.
type freezer struct {
	file, freeze, thaw string
	state, isFrozen    string

	guard sync.Mutex
	over  bool
}

// findFreezer: every group of the unified tree has one (since Linux 5.2), in version 1 it is a tree of its own. Nil: there is none.
func findFreezer(directory string) *freezer {
	for _, h := range machineHierarchies() {
		group := filepath.Join(h.Base, "lms-computer", groupID(directory))
		f := &freezer{file: filepath.Join(group, "cgroup.freeze"), freeze: "1", thaw: "0", state: filepath.Join(group, "cgroup.events"), isFrozen: "frozen 1"}
		if !h.Unified {
			if !slices.Contains(h.Controllers, "freezer") {
				continue
			}
			state := filepath.Join(group, "freezer.state")
			f = &freezer{file: state, freeze: "FROZEN", thaw: "THAWED", state: state, isFrozen: "FROZEN"}
		}
		if _, err := os.Lstat(f.file); err == nil {
			return f
		}
	}
	return nil
}

// stop does nothing where there is no freezer: files are then copied as they are met.
func (f *freezer) stop() error {
	if f == nil {
		return nil
	}
	f.guard.Lock()
	defer f.guard.Unlock()
	if f.over {
		return fmt.Errorf("the machine is being stopped")
	}
	if err := write(f.file, f.freeze); err != nil {
		return err
	}
	// Version 1 has no event for it, and may stay at FREEZING for ever when a task of the group was just being born: then it must be let go and
	// asked again, as its documentation says (and runc does).
	again := time.Now().Add(freezeAgain)
	for deadline := time.Now().Add(freezeDeadline); ; time.Sleep(time.Millisecond) {
		if state, err := os.ReadFile(f.state); err != nil {
			return err
		} else if bytes.Contains(state, []byte(f.isFrozen)) {
			return nil
		}
		if time.Now().After(again) {
			again = time.Now().Add(freezeAgain)
			_ = write(f.file, f.thaw)
			time.Sleep(10 * time.Millisecond)
			_ = write(f.file, f.freeze)
		}
		if time.Now().After(deadline) {
			_ = write(f.file, f.thaw)
			return fmt.Errorf("the machine was not frozen within %s", freezeDeadline)
		}
	}
}

// isStill: in version 1 it may stay on its way there for long.
func (f *freezer) isStill() bool {
	is, err := os.ReadFile(f.file)
	return err == nil && string(bytes.TrimSpace(is)) != f.thaw
}

func (f *freezer) goOn() {
	if f != nil {
		_ = write(f.file, f.thaw)
	}
}

// end lets go for good: what is frozen could not be stopped.
func (f *freezer) end() {
	if f != nil {
		f.guard.Lock()
		defer f.guard.Unlock()
		f.over = true
		f.goOn()
	}
}

// thawAny lets the processes of a machine go on, whoever froze them: frozen ones do not die.
func thawAny(directory string) {
	findFreezer(directory).goOn()
}
