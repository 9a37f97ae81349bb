package boot

// auditArch is AUDIT_ARCH_AARCH64.
const auditArch = 0xC00000B7

// Numbers from include/uapi/asm-generic/unistd.h.
var refused = []uint32{
	18, 39, 40, 41, 42, 60, 89, 97, // lookup_dcookie, umount2, mount, pivot_root, nfsservctl, quotactl, acct, unshare
	104, 105, 106, 112, 142, 170, // kexec_load, init_module, delete_module, clock_settime, reboot, settimeofday
	116,                          // syslog: of a kernel that restricts it to nobody, all of its log without a capability
	217, 218, 219, 224, 225, 241, // add_key, request_key, keyctl, swapon, swapoff, perf_event_open
	264, 265, 268, 273, 280, 282, 294, // name_to_handle_at, open_by_handle_at, setns, finit_module, bpf, userfaultfd, kexec_file_load
}
