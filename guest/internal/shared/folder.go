package shared

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"lms-computer/guest/internal/account"
)

const (
	maxDirectories = 200_000 // in one look
	maxDepth       = 200     // each holds a descriptor
	// slack is for file systems that tell time coarsely, and for clocks that differ a little.
	slack = 2 * time.Second
)

type folder struct {
	fd       int
	uid, gid uint32
	device   uint64
	counts   bool      // the file system counts the directories below one among its links
	since    time.Time // what is older is not ours
	seen     time.Time // the last look that was complete began then
	left     int       // directories that this look may still open
}

func newFolder(fd int, is syscall.Stat_t) *folder {
	now := time.Now().Add(-slack)
	return &folder{fd: fd, uid: is.Uid, gid: is.Gid, device: uint64(is.Dev), counts: countsDirectories(fd), since: now, seen: now}
}

// countsDirectories is of those that are known to: others say 1 (btrfs), or 2 whatever there is (SMB).
func countsDirectories(fd int) bool {
	var is syscall.Statfs_t
	if syscall.Fstatfs(fd, &is) != nil {
		return false
	}
	switch is.Type { // statfs(2)
	case 0xEF53, 0x58465342, 0x01021994: // ext4, XFS, tmpfs
		return true
	}
	return false
}

func (f *folder) handOver() {
	began := time.Now()
	f.left = maxDirectories
	// A descriptor of its own: the position in a directory belongs to the open file, and dup(2) shares it.
	if fd, err := openDirectory(f.fd, "."); err == nil {
		f.look(fd, 0)
	}
	if f.left > 0 {
		f.seen = began.Add(-slack)
	}
}

// look closes fd.
func (f *folder) look(fd, depth int) {
	f.left--
	var is syscall.Stat_t
	err := syscall.Fstat(fd, &is)
	changed := !changedAt(&is).Before(f.seen)
	// Another file system is mounted there; or there is nothing new, and no directory below: that saves the reading of most of a node_modules.
	if err != nil || uint64(is.Dev) != f.device || !changed && f.counts && is.Nlink == 2 {
		syscall.Close(fd)
		return
	}
	directory := os.NewFile(uintptr(fd), "")
	defer directory.Close()
	for f.left > 0 {
		entries, err := directory.ReadDir(1024)
		for _, entry := range entries {
			if changed {
				f.take(fd, entry.Name())
			}
			if !entry.IsDir() || depth == maxDepth || f.left <= 0 {
				continue
			}
			if below, err := openDirectory(fd, entry.Name()); err == nil {
				f.look(below, depth+1)
			}
		}
		if err != nil {
			return
		}
	}
}

// take gives an entry to the folder's owner if it is new and root's, or the user's that the machine works for. By descriptor: what
// has been looked at is what is given, whoever swaps names meanwhile.
func (f *folder) take(fd int, name string) {
	entry, err := openat(fd, name, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC)
	if err != nil {
		return
	}
	defer syscall.Close(entry)
	var is syscall.Stat_t
	if syscall.Fstat(entry, &is) != nil || is.Uid != agentUID && is.Uid != account.Current().UID || is.Uid == f.uid {
		return
	}
	if uint64(is.Dev) != f.device || bornAt(entry, &is).Before(f.since) || is.Mode&syscall.S_IFMT != syscall.S_IFDIR && is.Nlink > 1 {
		return
	}
	_ = fchownat(entry, f.uid, f.gid)
}

func changedAt(is *syscall.Stat_t) time.Time { return time.Unix(is.Ctim.Unix()) }

const (
	oPath       = 0x200000
	atEmptyPath = 0x1000
)

func openDirectory(fd int, name string) (int, error) {
	return openat(fd, name, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|syscall.O_NONBLOCK)
}

func openat(fd int, name string, flags int) (int, error) {
	for {
		opened, err := syscall.Openat(fd, name, flags, 0)
		if err != syscall.EINTR {
			return opened, err
		}
	}
}

var empty [1]byte

func fchownat(fd int, uid, gid uint32) error {
	_, _, errno := syscall.Syscall6(syscall.SYS_FCHOWNAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), uintptr(uid), uintptr(gid), atEmptyPath, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
