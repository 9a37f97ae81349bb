package boot

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
)

// sliceDepth is how deep a directory is deleted in one go.
const sliceDepth = 32

// discard deletes name, whatever the guest has made of it. os.Root deletes through descriptors and never follows a symlink; it holds one
// for each level, so directories nested ten thousands deep are taken apart first.
//
// An ordinary user may have lost the right to empty directories that are his: overlayfs makes work/work with mode 0, and the guest may
// have done so to any of its own. He gets it back on the way.
func discard(root *os.Root, name string) error {
	if os.Geteuid() == 0 {
		if err := root.RemoveAll(name); !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return err
		}
	}
	cut := slicing{root: root, top: name, mark: rand.Uint64(), found: []string{name}}
	for i := 0; i < len(cut.found); i++ {
		cut.lift(cut.found[i], 1)
		if i > 0 {
			if err := root.RemoveAll(cut.found[i]); err != nil {
				return err
			}
		}
	}
	return root.RemoveAll(name)
}

// slicing has the directories that came up to below top, each with at most what is to be deleted in one go once it was looked through.
type slicing struct {
	root  *os.Root
	top   string
	mark  uint64
	found []string
}

// lift moves what is too deep below directory up. What can not be read or moved is left for RemoveAll to complain about.
func (s *slicing) lift(directory string, depth int) {
	if info, err := s.root.Lstat(directory); err != nil || !info.IsDir() {
		return
	}
	if os.Geteuid() != 0 {
		_ = s.root.Chmod(directory, 0o700)
	}
	file, err := s.root.Open(directory)
	if err != nil {
		return
	}
	entries, _ := file.ReadDir(-1)
	_ = file.Close()
	for _, entry := range entries {
		path := directory + "/" + entry.Name()
		if !entry.IsDir() {
			continue
		}
		if depth < sliceDepth {
			s.lift(path, depth+1)
			continue
		}
		if to := fmt.Sprintf("%s/%x-%d", s.top, s.mark, len(s.found)); s.root.Rename(path, to) == nil {
			s.found = append(s.found, to)
		}
	}
}
