package boot

import (
	"os"
	"syscall"
	"unsafe"
)

// kept are the capabilities of root in the guest: what installing packages and changing users needs, and no more
// (linux/capability.h gives the numbers).
var kept = []uint{
	0,  // CHOWN
	1,  // DAC_OVERRIDE
	3,  // FOWNER
	4,  // FSETID
	5,  // KILL
	6,  // SETGID
	7,  // SETUID
	31, // SETFCAP
}

const (
	prSetPdeathsig   = 1
	prSetSeccomp     = 22
	prCapbsetDrop    = 24
	prSetNoNewPrivs  = 38
	prCapAmbient     = 47
	prCapAmbientZero = 4
	capabilityV3     = 0x20080522
	seccompFilter    = 2
)

// dropPrivileges acts on the calling thread, which must be the one that execs. Afterwards the bounding set, too, is `kept`:
// an exec by uid 0 gives exactly those, and none can ever come back.
func dropPrivileges() error {
	keep := map[uint]bool{}
	var mask uint64
	for _, c := range kept {
		keep[c], mask = true, mask|1<<c
	}
	for c := uint(0); c < 64; c++ {
		if keep[c] {
			continue
		}
		if err := prctl(prCapbsetDrop, uintptr(c), 0); err == syscall.EINVAL {
			break // past the last one this kernel knows
		} else if err != nil {
			return os.NewSyscallError("drop a capability", err)
		}
	}
	if err := prctl(prCapAmbient, prCapAmbientZero, 0); err != nil && err != syscall.EINVAL {
		return os.NewSyscallError("clear the ambient capabilities", err)
	}
	header := struct {
		version uint32
		pid     int32
	}{version: capabilityV3}
	type set struct{ effective, permitted, inheritable uint32 }
	low, high := uint32(mask), uint32(mask>>32)
	sets := [2]set{{effective: low, permitted: low}, {effective: high, permitted: high}}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets)), 0); errno != 0 {
		return os.NewSyscallError("capset", errno)
	}
	// Without its supervisor the machine has nobody to clean up after it, so it dies with it.
	if err := prctl(prSetPdeathsig, uintptr(syscall.SIGKILL), 0); err != nil {
		return os.NewSyscallError("set the parent-death signal", err)
	}
	if err := prctl(prSetNoNewPrivs, 1, 0); err != nil {
		return os.NewSyscallError("set no_new_privs", err)
	}
	return filterSyscalls()
}

func prctl(option, a, b uintptr) error {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, option, a, b, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
