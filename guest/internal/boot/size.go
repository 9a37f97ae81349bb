package boot

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// size is `agent boot size`: the bytes on disk of all that a machine has written, its checkpoints too. What is mounted in the machine is not in
// sight here. A directory that goes meanwhile is left out; what the guest makes of names and links is only looked at through open directories.
func size(in io.Reader, out io.Writer) error {
	directory, err := readDirectory(in)
	if err != nil {
		return err
	}
	var bytes int64
	seen := map[uint64]bool{} // by inode, of what has several names; a machine is on one file system
	for _, part := range append([]string{checkpointsDirectory}, ownParts...) {
		root, err := os.OpenRoot(filepath.Join(directory, part))
		if err != nil {
			continue
		}
		_ = fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return nil
			}
			stat := info.Sys().(*syscall.Stat_t)
			if stat.Nlink > 1 && !info.IsDir() {
				if seen[stat.Ino] {
					return nil
				}
				seen[stat.Ino] = true
			}
			bytes += stat.Blocks * 512
			return nil
		})
		root.Close()
	}
	reply(out, map[string]any{"status": "counted", "bytes": bytes})
	return nil
}
