package server

import (
	"os"
	"os/signal"
	"syscall"
)

// survive keeps every signal that any process of root's may send from ending the machine, but for the two that are meant to. The kernel shields
// PID 1 only from signals without a handler, and the Go runtime has one for nearly all: its own then exits. Not ignored, since children
// would inherit that.
func survive() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS,
		syscall.SIGFPE, syscall.SIGUSR1, syscall.SIGSEGV, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGSTKFLT, syscall.SIGXCPU,
		syscall.SIGXFSZ, syscall.SIGVTALRM, syscall.SIGIO, syscall.SIGPWR, syscall.SIGSYS, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
}

// stopOnSignal ends the machine on TERM: the kernel kills what is left in its PID namespace.
func stopOnSignal(last func()) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	last()
	os.Exit(0)
}
