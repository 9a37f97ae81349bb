package session

import "syscall"

var (
	polls   = []int{syscall.SYS_POLL, syscall.SYS_PPOLL}
	selects = []int{syscall.SYS_SELECT, syscall.SYS_PSELECT6}
)
