package boot

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

// A machine's checkpoints are whole copies of what is its own, below its directory. No layer is shared: a mounted overlay holds its
// upper layer by inode, so it can not be swapped under a running machine, and the home is no overlay at all.
//
//	checkpoints/ID/    rootfs/ and upper/ of that time, and the driver's record
//	next.TOKEN/        the same, made ready for a rollback; next/ once it is decided
//	old/               what a rollback has replaced, on its way out
//	base               the id that the machine was rolled back to last
const (
	checkpointsDirectory = "checkpoints"
	nextDirectory        = "next"
	oldDirectory         = "old"
	baseFile             = "base"
	checkpointFile       = "checkpoint.json" // the driver's
)

// ownParts is what a machine keeps from run to run.
var ownParts = []string{rootDirectory, "upper"}

var tokenPattern = regexp.MustCompile(`^[0-9a-f]{12}$`)

// copyOrder asks for a copy of a machine's files.
type copyOrder struct {
	// Directory is the machine's.
	Directory string `json:"directory"`
	// Checkpoint to copy; empty: the files as they are now.
	Checkpoint string `json:"checkpoint"`
	// Target is a directory that is there and gets the parts.
	Target string `json:"target"`
}

// copyFiles is `agent boot copy`. The machine is frozen only for a copy of its present files.
func copyFiles(in io.Reader, out io.Writer) error {
	var order copyOrder
	if err := readJSON(in, &order); err != nil {
		return err
	}
	if err := errors.Join(cleanAbsolute(order.Directory), cleanAbsolute(order.Target)); err != nil {
		return err
	}
	source, hold := order.Directory, holdStill
	if order.Checkpoint != "" {
		hold = holdFiles
	}
	release, err := hold(order.Directory)
	if err != nil {
		return err
	}
	defer release() // for the ways out before it is asked
	if order.Checkpoint != "" {
		if !tokenPattern.MatchString(order.Checkpoint) {
			return failf("invalid_argument", "expected the id of a checkpoint, got %q", order.Checkpoint)
		}
		source = filepath.Join(source, checkpointsDirectory, order.Checkpoint)
		if _, err := os.Lstat(filepath.Join(source, checkpointFile)); err != nil {
			return failf("not_found", "the checkpoint %s is not there: %s", order.Checkpoint, err)
		}
	}
	bytes, err := copyParts(source, order.Target)
	if err := errors.Join(err, release()); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return failf("disk_full", "no room for a copy of the machine's files: %s", err)
		}
		return err
	}
	reply(out, map[string]any{"status": "copied", "bytes": bytes})
	return nil
}

func copyParts(source, target string) (bytes int64, err error) {
	for _, part := range ownParts {
		var c treeCopier
		err := c.copyTree(filepath.Join(source, part), filepath.Join(target, part), map[string]string{rootDirectory: "tmp"}[part])
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Mkdir(filepath.Join(target, part), 0o755) // a machine that never ran
		}
		if err != nil {
			return 0, err
		}
		bytes += c.bytes
	}
	return bytes, nil
}

// asOwner runs a command of ours as root of a user namespace: the guest may have left files that only their own root can read.
func asOwner(name string, in io.Reader, out io.Writer) error {
	child := ownersCommand(name)
	child.Stdin, child.Stdout = in, out
	var exit *exec.ExitError
	if err := child.Run(); errors.As(err, &exit) {
		os.Exit(exit.ExitCode()) // it has answered
	} else if err != nil {
		return refusal(err)
	}
	return nil
}

func ownersCommand(args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{"agent", "boot"}, args...), Env: []string{}, Dir: "/", Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			Pdeathsig:   syscall.SIGKILL,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		},
	}
}

// erase is `agent boot erase`: it removes a checkpoint, or what was made ready for one or for a rollback.
func erase(in io.Reader, out io.Writer) error {
	var order struct {
		Directory string `json:"directory"`
		Name      string `json:"name"`
	}
	if err := readJSON(in, &order); err != nil {
		return err
	}
	if err := cleanAbsolute(order.Directory); err != nil {
		return err
	}
	if !filepath.IsLocal(order.Name) || filepath.Clean(order.Name) == "." {
		return failf("invalid_argument", "expected a path below %s, got %q", order.Directory, order.Name)
	}
	held, err := lockFiles(order.Directory)
	if err != nil {
		return err
	}
	defer held.Close()
	// Without its record it is no checkpoint any more, should this be cut short.
	if err := os.Remove(filepath.Join(order.Directory, order.Name, checkpointFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeTree(order.Directory, order.Name); err != nil {
		return err
	}
	reply(out, answer{Status: "removed"})
	return nil
}

// removeTree is discard for a name below a directory that may be gone.
func removeTree(directory, name string) error {
	root, err := os.OpenRoot(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return discard(root, name)
}
