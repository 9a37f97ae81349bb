package boot

import (
	"encoding/binary"
	"syscall"
	"testing"
)

// judge runs the filter as the kernel would.
func judge(t *testing.T, arch, number uint32, arg0 uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.LittleEndian.PutUint32(data[offNumber:], number)
	binary.LittleEndian.PutUint32(data[offArch:], arch)
	binary.LittleEndian.PutUint64(data[offArg0:], arg0)
	program, a := filter(), uint32(0)
	for pc := 0; pc < len(program); pc++ {
		i := program[pc]
		taken := false
		switch i.Code {
		case load:
			a = binary.LittleEndian.Uint32(data[i.K:])
			continue
		case answerK:
			return i.K
		case equal:
			taken = a == i.K
		case atLeast:
			taken = a >= i.K
		case anyBit:
			taken = a&i.K != 0
		default:
			t.Fatalf("unknown instruction %+v", i)
		}
		if taken {
			pc += int(i.Jt)
		} else {
			pc += int(i.Jf)
		}
	}
	t.Fatal("ran past the end")
	return 0
}

func TestFilter(t *testing.T) {
	const refuse, missing = errnoBase | uint32(syscall.EPERM), errnoBase | uint32(syscall.ENOSYS)
	for name, test := range map[string]struct {
		arch, number uint32
		arg0         uint64
		want         uint32
	}{
		"read":                       {auditArch, syscall.SYS_READ, 0, allow},
		"fork":                       {auditArch, syscall.SYS_CLONE, uint64(syscall.SIGCHLD), allow},
		"a thread":                   {auditArch, syscall.SYS_CLONE, 0x3d0f00, allow},
		"a user namespace":           {auditArch, syscall.SYS_CLONE, syscall.CLONE_NEWUSER | uint64(syscall.SIGCHLD), refuse},
		"unshare":                    {auditArch, syscall.SYS_UNSHARE, 0, refuse},
		"mount":                      {auditArch, syscall.SYS_MOUNT, 0, refuse},
		"syslog":                     {auditArch, syscall.SYS_SYSLOG, 3, refuse},
		"keyctl":                     {auditArch, syscall.SYS_KEYCTL, 0, refuse},
		"clone3":                     {auditArch, sysClone3, 0, missing},
		"io_uring_setup":             {auditArch, 425, 0, refuse},
		"a unix socket":              {auditArch, syscall.SYS_SOCKET, syscall.AF_UNIX, allow},
		"a socket to the hypervisor": {auditArch, syscall.SYS_SOCKET, afVsock, refuse},
		"the same with high bits":    {auditArch, syscall.SYS_SOCKET, 1<<32 | afVsock, refuse},
		"a 32-bit program":           {0x40000003, syscall.SYS_READ, 0, missing},
	} {
		if got := judge(t, test.arch, test.number, test.arg0); got != test.want {
			t.Errorf("%s: got %#x, expected %#x", name, got, test.want)
		}
	}
}
