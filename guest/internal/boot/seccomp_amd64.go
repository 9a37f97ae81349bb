package boot

// auditArch is AUDIT_ARCH_X86_64.
const auditArch = 0xC000003E

// Numbers from arch/x86/entry/syscalls/syscall_64.tbl.
var refused = []uint32{
	103,                                    // syslog: of a kernel that restricts it to nobody, all of its log without a capability
	155, 163, 164, 165, 166, 167, 168, 169, // pivot_root, acct, settimeofday, mount, umount2, swapon, swapoff, reboot
	172, 173, 174, 175, 176, 177, 178, 179, 180, // iopl, ioperm, create_module … quotactl, nfsservctl
	212, 227, 246, 248, 249, 250, // lookup_dcookie, clock_settime, kexec_load, add_key, request_key, keyctl
	272, 298, 303, 304, 308, 313, // unshare, perf_event_open, name_to_handle_at, open_by_handle_at, setns, finit_module
	320, 321, 323, // kexec_file_load, bpf, userfaultfd
}
