package session

import "syscall"

var (
	polls   = []int{syscall.SYS_PPOLL}
	selects = []int{syscall.SYS_PSELECT6}
)
