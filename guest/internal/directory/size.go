package directory

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	maxEntries = 5_000_000
	maxDepth   = 500
	blockBytes = 512 // of st_blocks, whatever the file system's are (stat(2))
)

// walker adds up what is newer than since, on one file system. What an image brought is older than the machine: its layers
// are written when they are pulled, and a file that is changed is copied up whole, with a change time of its own.
type walker struct {
	since  time.Time
	device uint64
	linked map[[2]uint64]bool
	bytes  int64
	left   int
}

// Size is the bytes on disk of root, and of all below it, that is newer than since, on the file system of root alone and within bounds. What goes
// meanwhile is left out; what the guest makes of names and links is only looked at through open directories.
func Size(root string, since time.Time) int64 {
	w := walker{since: since, linked: map[[2]uint64]bool{}, left: maxEntries}
	info, err := os.Lstat(root)
	if err == nil && !info.IsDir() {
		w.add(info.Sys().(*syscall.Stat_t))
		return w.bytes
	}
	held, err := Hold(root)
	if err != nil {
		return 0
	}
	if info, err = held.Stat("."); err != nil {
		held.Close()
		return 0
	}
	w.device = uint64(info.Sys().(*syscall.Stat_t).Dev)
	w.walk(held, 0)
	return w.bytes
}

// walk closes the directory.
func (w *walker) walk(directory *os.Root, depth int) {
	defer directory.Close()
	list, err := directory.OpenFile(".", os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer list.Close()
	for w.left > 0 {
		names, err := list.Readdirnames(512)
		for _, name := range names {
			w.left--
			info, err := directory.Lstat(name)
			if err != nil {
				continue
			}
			is := info.Sys().(*syscall.Stat_t)
			if !info.IsDir() {
				w.add(is)
				continue
			}
			if uint64(is.Dev) != w.device || depth == maxDepth {
				continue // something else is mounted there
			}
			w.add(is)
			if below, err := HoldIn(directory, name); err == nil {
				w.walk(below, depth+1)
			}
		}
		runtime.Gosched() // commands come first
		if err != nil {
			return
		}
	}
}

func (w *walker) add(is *syscall.Stat_t) {
	if time.Unix(is.Ctim.Unix()).Before(w.since) {
		return
	}
	if is.Nlink > 1 && is.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		key := [2]uint64{uint64(is.Dev), is.Ino}
		if w.linked[key] {
			return
		}
		w.linked[key] = true
	}
	w.bytes += is.Blocks * blockBytes
}
