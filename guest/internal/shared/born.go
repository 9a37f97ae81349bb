package shared

import (
	"syscall"
	"time"
	"unsafe"
)

// statx is the part of what statx(2) tells that is used here, at its place.
type statx struct {
	mask    uint32
	_       uint32
	_       uint64
	nlink   uint32
	uid     uint32
	gid     uint32
	mode    uint16
	_       uint16
	_       [48]byte
	born    statxTime
	changed statxTime
	_       statxTime
	_       [4]uint32
	_       [112]byte
}

type statxTime struct {
	seconds     int64
	nanoseconds uint32
	_           int32
}

func (t statxTime) time() time.Time { return time.Unix(t.seconds, int64(t.nanoseconds)) }

const (
	statxBasic = 0x7ff
	statxBorn  = 0x800
)

// bornAt is when what the descriptor stands for was made; where the file system does not keep that, when it last changed.
func bornAt(fd int, is *syscall.Stat_t) time.Time {
	var more statx
	_, _, errno := syscall.Syscall6(sysStatx, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), atEmptyPath, statxBasic|statxBorn,
		uintptr(unsafe.Pointer(&more)), 0)
	if errno != 0 || more.mask&statxBorn == 0 {
		return changedAt(is)
	}
	return more.born.time()
}
