package process

import (
	"strings"
	"syscall"

	"lms-computer/guest/internal/wire"
)

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "PIPE": syscall.SIGPIPE,
	"CONT": syscall.SIGCONT, "STOP": syscall.SIGSTOP, "TSTP": syscall.SIGTSTP, "WINCH": syscall.SIGWINCH,
}

// Signals that a caller may name: those to end a command with, and all that a single process can be sent.
const (
	EndingSignals = "HUP INT QUIT KILL TERM USR1 USR2"
	AllSignals    = EndingSignals + " ABRT ALRM PIPE CONT STOP TSTP WINCH"
)

// SignalNamed is one of those allowed, whether its name comes with SIG or without.
func SignalNamed(name, allowed string) (syscall.Signal, error) {
	plain := strings.TrimPrefix(strings.ToUpper(name), "SIG")
	for one := range strings.FieldsSeq(allowed) {
		if one == plain {
			return signals[one], nil
		}
	}
	return 0, wire.Errorf("invalid_argument", "expected signal to be one of %s, got %q", allowed, name)
}
