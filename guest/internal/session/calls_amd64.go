package session

import "syscall"

var (
	polls   = []int{syscall.SYS_POLL, syscall.SYS_PPOLL}
	epolls  = []int{syscall.SYS_EPOLL_WAIT, syscall.SYS_EPOLL_PWAIT}
	selects = []int{syscall.SYS_SELECT, syscall.SYS_PSELECT6}
)
