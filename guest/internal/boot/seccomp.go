package boot

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Calls that no machine needs and that reach parts of the kernel which namespaces do not divide, or that would give root back
// its capabilities in a namespace of its own. The idea is the default profile of Docker. Numbers from 424 on are the same
// on every architecture; `refused` has the rest.
var refusedEverywhere = []uint32{
	425, 426, 427, // io_uring_setup, _enter, _register
	428, 429, 430, 431, 432, 433, // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
	442, 443, 467, // mount_setattr, quotactl_fd, open_tree_attr
}

const (
	sysClone3 = 435
	// CLONE_NEWTIME is left out: in clone(2) its bit is part of the exit signal.
	cloneNamespaces = 0x7E020000
	afVsock         = 40

	load      = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
	equal     = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
	atLeast   = syscall.BPF_JMP | syscall.BPF_JGE | syscall.BPF_K
	anyBit    = syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K
	answerK   = syscall.BPF_RET | syscall.BPF_K
	allow     = 0x7fff0000
	errnoBase = 0x00050000

	// struct seccomp_data: nr, arch, instruction pointer, args. Both architectures are little-endian.
	offNumber, offArch, offArg0 = 0, 4, 16
)

// filter is the program that judges each system call.
func filter() []syscall.SockFilter {
	const refuse, missing = errnoBase | uint32(syscall.EPERM), errnoBase | uint32(syscall.ENOSYS)
	program := []syscall.SockFilter{
		{Code: load, K: offArch},
		{Code: equal, Jt: 1, K: auditArch},
		{Code: answerK, K: missing}, // another ABI has other numbers, so a list of numbers could not judge it
		{Code: load, K: offNumber},
	}
	if runtime.GOARCH == "amd64" {
		const x32 = 0x40000000
		program = append(program, syscall.SockFilter{Code: atLeast, Jf: 1, K: x32}, syscall.SockFilter{Code: answerK, K: missing})
	}
	// A filter can not look at the flags of clone3, which are in memory; without it the C library takes clone.
	program = append(program, syscall.SockFilter{Code: equal, Jf: 1, K: sysClone3}, syscall.SockFilter{Code: answerK, K: missing})
	for _, number := range append(refused[:len(refused):len(refused)], refusedEverywhere...) {
		program = append(program, syscall.SockFilter{Code: equal, Jf: 1, K: number}, syscall.SockFilter{Code: answerK, K: refuse})
	}
	return append(program,
		syscall.SockFilter{Code: equal, Jf: 4, K: syscall.SYS_CLONE},
		syscall.SockFilter{Code: load, K: offArg0},
		syscall.SockFilter{Code: anyBit, Jf: 1, K: cloneNamespaces},
		syscall.SockFilter{Code: answerK, K: refuse},
		syscall.SockFilter{Code: answerK, K: allow},
		// Sockets to the hypervisor are not divided by network namespaces.
		syscall.SockFilter{Code: equal, Jf: 3, K: syscall.SYS_SOCKET},
		syscall.SockFilter{Code: load, K: offArg0},
		syscall.SockFilter{Code: equal, Jf: 1, K: afVsock},
		syscall.SockFilter{Code: answerK, K: refuse},
		syscall.SockFilter{Code: answerK, K: allow},
	)
}

func filterSyscalls() error {
	instructions := filter()
	program := syscall.SockFprog{Len: uint16(len(instructions)), Filter: &instructions[0]}
	if err := prctl(prSetSeccomp, seccompFilter, uintptr(unsafe.Pointer(&program))); err != nil {
		return os.NewSyscallError("install the system call filter", err)
	}
	return nil
}
