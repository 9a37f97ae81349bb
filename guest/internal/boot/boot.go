// Package boot makes a computer out of nothing but the kernel: new namespaces, the host's system directories under a
// private copy-on-write layer, and this same program as PID 1. It runs on the host side, as `agent boot`.
//
// Three processes are involved. `agent boot` becomes the supervisor: it holds the machine's lock, is the parent of its PID 1
// and cleans up after it. Its child, `agent boot inside`, is born in the new namespaces, builds the root there, gives up
// what it does not need and turns into `agent init` by exec. `agent boot probe`, `copy`, `erase`, `size` and `remove` are short-lived.
package boot

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
)

// What a machine directory holds. All but the sockets and the lock is made by boot itself; see layout in root.go.
const (
	lockFile      = "lock"
	agentSocket   = "agent.sock"
	controlSocket = "control.sock"
	bootFile      = "boot.json"
	recordFile    = "machine.json" // the driver's
)

// answer is the one line on stdout.
type answer struct {
	Status   string   `json:"status"`
	Warnings []string `json:"warnings,omitempty"`
	*Failure
}

// Run is `agent boot …`. It answers one line of JSON on out.
func Run(args []string, in io.Reader, out io.Writer) error {
	// What is made is as it is named, whoever started us: a copy of the host's /etc is for every user of every machine.
	syscall.Umask(0)
	first := 3
	if len(args) > 0 && args[0] == "inside" {
		first = statusFD + 1
	}
	err := closeInherited(first)
	switch {
	case err != nil:
	case len(args) == 0:
		err = start(in, out)
	case args[0] == "inside":
		return inside(in)
	case args[0] == "probe":
		err = probe(in, out)
	case args[0] == "probe-inside":
		return probeInside(in, out)
	case args[0] == "remove":
		err = remove(in, out)
	case args[0] == "copy" && os.Geteuid() != 0:
		err = asOwner("copy", in, out)
	case args[0] == "copy":
		err = copyFiles(in, out)
	case args[0] == "size" && os.Geteuid() != 0:
		err = asOwner("size", in, out)
	case args[0] == "size":
		err = size(in, out)
	case args[0] == "erase":
		err = erase(in, out)
	case args[0] == "discard":
		err = discardHere(in, out)
	default:
		err = failf("invalid_argument", "expected boot, boot probe, copy, erase, size or remove, got %q", args[0])
	}
	if err != nil {
		reply(out, answer{Status: "failed", Failure: asFailure(err)})
		os.Exit(1)
	}
	return nil
}

func reply(out io.Writer, value any) {
	_ = json.NewEncoder(out).Encode(value)
}

func asFailure(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &Failure{Code: "machine_failed", Message: err.Error()}
}
