// Package machine is the agent's own machine as its kernel tells it: what it may use, what it uses, since when it runs.
//
// Root in the guest may put anything in the place of the files that tell it, so every read is bounded, and waits for nobody.
package machine

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Started is when the machine did: the agent is its first process, while /proc/uptime is the host's.
var Started = time.Now()

// smallBytes is ample for a file of the kernel's with a few numbers.
const smallBytes = 64 << 10

// ReadSmall is Read for a file of a few lines.
func ReadSmall(root string, path ...string) []byte { return Read(smallBytes, root, path...) }

// Read gives the first limit bytes of a regular file, or nothing. root is / but in tests.
func Read(limit int64, root string, path ...string) []byte {
	f, err := os.OpenFile(filepath.Join(append([]string{root}, path...)...), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	content, _ := io.ReadAll(io.LimitReader(f, limit))
	return content
}

// Disk is what a file system has in all, and what of it is used, and free for others than root.
type Disk struct{ UsedBytes, TotalBytes, FreeBytes uint64 }

// DiskOf looks at the file system that home is on, or at the root's while there is no home.
func DiskOf(home string) Disk {
	var fs syscall.Statfs_t
	if syscall.Statfs(home, &fs) != nil && syscall.Statfs("/", &fs) != nil {
		return Disk{}
	}
	unit := uint64(fs.Frsize)
	return Disk{UsedBytes: (fs.Blocks - min(fs.Bfree, fs.Blocks)) * unit, TotalBytes: fs.Blocks * unit, FreeBytes: fs.Bavail * unit}
}
