package terminal

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// openPty returns both ends of a new pseudo-terminal.
func openPty(columns, rows uint16) (master, slave *os.File, err error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	// Non-blocking, so that a Read ends when the file is closed.
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	defer func() {
		if err != nil {
			master.Close()
		}
	}()
	var number uint32
	var unlock int32
	if err = ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		return nil, nil, err
	}
	if err = ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)); err != nil {
		return nil, nil, err
	}
	if err = setSize(master, columns, rows); err != nil {
		return nil, nil, err
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return master, slave, err
}

func setSize(master *os.File, columns, rows uint16) error {
	size := struct{ rows, columns, x, y uint16 }{rows, columns, 0, 0}
	return ioctl(master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
}

// foreground is the process group that the terminal listens to; 0: none, or it has ended.
func foreground(master *os.File) int {
	var group int32
	if ioctl(master, syscall.TIOCGPGRP, unsafe.Pointer(&group)) != nil {
		return 0
	}
	return int(group)
}

func ioctl(file *os.File, request uintptr, argument unsafe.Pointer) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument))
	})
	if err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
