package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
)

// groupFile keeps the name of a machine's cgroup once the machine has another name: of version 2 they can not be renamed.
const groupFile = "group"

var (
	machinePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	groupPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}-[0-9a-f]{8}$`)
)

// place is where a running machine's directory is. Everything in it is held open or by its inode, so that it can be renamed: mounts by theirs
// (rename(2) of what is above a mount point is allowed), sockets and the lock as well.
type place struct {
	mu        sync.Mutex
	directory string
	settled   bool
}

// settle is for the end: the directory stays where it is from now on.
func (p *place) settle() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled = true
	return p.directory
}

// rename gives the machine another name, if nothing has it.
func (p *place) rename(name string) error {
	if !machinePattern.MatchString(name) {
		return fmt.Errorf("expected a name like %s, got %.80q", machinePattern, name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled {
		return errors.New("the machine is ending")
	}
	target := filepath.Join(filepath.Dir(p.directory), name)
	if err := validDirectory(target); err != nil {
		return err // its sockets could not be reached there
	}
	if err := os.WriteFile(filepath.Join(p.directory, groupFile), []byte(groupID(p.directory)), 0o600); err != nil {
		return err
	}
	// Onto an empty directory rename(2) would succeed; a machine's never is.
	if err := os.Rename(p.directory, target); err != nil {
		if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
			return errors.New("exists")
		}
		return err
	}
	p.directory = target
	return nil
}

// keptGroup is the name of the group that a renamed machine has; empty when it never was renamed.
func keptGroup(directory string) string {
	data, err := os.ReadFile(filepath.Join(directory, groupFile))
	if err != nil || !groupPattern.Match(data) {
		return ""
	}
	return string(data)
}
