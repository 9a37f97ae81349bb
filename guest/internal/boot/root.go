package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// guestAgent is where this program is in every machine.
const guestAgent = "/.lms/agent"

// A machine directory holds, beside its sockets and its lock:
//
//	rootfs/         the guest's root: what it makes outside of the places below is simply here, and stays
//	upper/ work/    one directory each per overlay; the guest reaches upper only through the overlay, work never
//	mnt/            a mount point in the machine's own mount namespace; always empty seen from the host
const (
	rootDirectory = "rootfs"
	buildMount    = "mnt"
)

var (
	// systemDirectories come from the host, copy on write. Where one is a symlink there (merged /usr), it is one here.
	systemDirectories = []string{"usr", "opt", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}
	// packageDirectories are what package managers know of the system they see, copy on write, where the host has them.
	packageDirectories = []string{
		"var/lib/dpkg", "var/lib/apt", "var/lib/ucf", "var/lib/pam", "var/lib/python", "var/lib/sgml-base", "var/lib/xml-core",
		"var/cache/debconf", "var/lib/rpm", "var/lib/dnf", "var/lib/pacman",
	}
	// examined are the places below these where people, not packages, put files: the rule of hide.go holds there.
	examined = map[string][]examination{
		"opt": {{path: "."}},
		// What was built here has its data and its keys in directories of its own (pgsql/data, nginx/conf). The libraries are deeper, and many.
		"usr":               {{path: "local", depth: 3}, {path: "local/bin"}, {path: "local/sbin"}, {path: "local/etc"}},
		"var/cache/debconf": {{path: "."}},
	}
	emptyDirectories = []struct {
		name string
		mode os.FileMode
	}{
		{"home", 0o755}, {"home/user", 0o755}, {"root", 0o700}, {"srv", 0o755}, {"mnt", 0o755}, {"media", 0o755},
		{"var", 0o755}, {"var/lib", 0o755}, {"var/lib/misc", 0o755}, {"var/cache", 0o755}, {"var/cache/apt", 0o755},
		{"var/cache/apt/archives", 0o755}, {"var/cache/apt/archives/partial", 0o700}, {"var/log", 0o755}, {"var/log/apt", 0o755},
		{"var/spool", 0o755}, {"var/mail", 0o755}, {"var/tmp", 0o777 | os.ModeSticky}, {"tmp", 0o777 | os.ModeSticky},
	}
)

// builder makes the guest's root. Its working directory is the machine directory.
type builder struct {
	plan     *plan
	root     tree
	warnings []string
	// copied gives the result of copying /etc, which goes on beside the other steps: it is the longest where there is no copy for all machines. leftOut is set by then.
	copied  chan error
	leftOut int
}

func (p *plan) makeRoot() ([]string, error) {
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, err
	}
	if err := os.Chdir(p.Spec.Directory); err != nil {
		return nil, err
	}
	for _, name := range []string{rootDirectory, buildMount} {
		if err := os.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	// pivot_root(2) wants a mount point.
	if err := bind(rootDirectory, rootDirectory, quiet); err != nil {
		return nil, err
	}
	// Everything that is not the guest's is built here, out of its reach, and moved into place when it is complete.
	if err := mount("tmpfs", buildMount, "tmpfs", quiet, "mode=0755"); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(rootDirectory)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := os.Stat(p.Etc); err != nil || !info.IsDir() {
		p.Etc = "" // the directory is reached by another way than it is named
	}
	b := &builder{plan: p, root: tree{root}, copied: make(chan error, 1)}
	go b.copyConfiguration()
	for _, step := range []func() error{b.directories, b.system, b.packages, b.agent, b.devices, b.processes, b.kernel, b.run, b.configuration, b.folders} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.warnings, b.enter()
}

func (b *builder) warn(format string, args ...any) {
	b.warnings = append(b.warnings, fmt.Sprintf(format, args...))
}

// directories makes what is missing and empties /tmp. What the guest made of the others is its own affair.
func (b *builder) directories() error {
	if err := discard(b.root.Root, "tmp"); err != nil {
		return err
	}
	for _, d := range emptyDirectories {
		switch err := b.root.Mkdir(d.name, 0o700); {
		case err == nil:
			if err := b.root.Chmod(d.name, d.mode); err != nil {
				return err
			}
		case errors.Is(err, fs.ErrExist):
		case d.name == "tmp":
			return err
		}
	}
	for name, target := range map[string]string{"var/run": "/run", "var/lock": "/run/lock"} {
		_ = b.root.Symlink(target, name) // there already, or replaced by the guest
	}
	return nil
}

func (b *builder) system() error {
	for _, name := range systemDirectories {
		info, err := os.Lstat("/" + name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.IsDir():
			if err := b.share(name); err != nil {
				return err
			}
		case info.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink("/" + name)
			if err != nil {
				return err
			}
			if err := b.root.Symlink(target, name); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return nil
}

func (b *builder) packages() error {
	for _, name := range packageDirectories {
		info, err := os.Stat("/" + name)
		if err != nil || !info.IsDir() {
			continue
		}
		// Below /var the guest may have put anything in the way. That must not keep its machine from starting.
		if err := b.share(name); err != nil {
			b.warn("the host's /%s is not shown: %s", name, err)
		}
	}
	return nil
}

// share shows a directory of the host, copy on write, without what only some users of the host may read.
func (b *builder) share(name string) error {
	key := strings.ReplaceAll(name, "/", "-")
	layers := []string{"/" + name}
	if places := examined[name]; places != nil {
		layer := filepath.Join(buildMount, "hide", key)
		hidden, err := hide(layer, "/"+name, places)
		if err != nil {
			return err
		}
		if hidden > 0 {
			layers = []string{layer, "/" + name}
		}
	}
	return b.root.on(name, func(target string) error {
		err := overlay(key, layers, target, b.plan.Rootless)
		if err == nil {
			return nil
		}
		// No overlay here: the upper directory's file system can not carry one (it is an overlay or a network file system), or the
		// kernel does not let a user namespace mount one. Hiding needs whiteouts, so without even a read-only one nothing is shown.
		if len(layers) > 1 {
			data := "lowerdir=" + strings.Join(layers, ":")
			if mount("overlay", target, "overlay", quiet|syscall.MS_RDONLY, data) == nil {
				b.warn("/%s can not be written: %s", name, err)
				return nil
			}
			b.warn("the host's /%s is not shown, since some of it must be hidden: %s", name, err)
			return nil
		}
		b.warn("/%s can not be written: %s", name, err)
		return bindAcross(layers[0], target, key, quiet|syscall.MS_RDONLY)
	})
}

// configuration makes /etc from a copy of what everybody may read in the host's, with the accounts of the guest.
func (b *builder) configuration() error {
	if err := <-b.copied; err != nil {
		return err
	}
	if b.leftOut > 0 {
		b.warn("%d files of the host's /etc are left out: it is larger than %d MiB", b.leftOut, maxConfigurationBytes>>20)
	}
	layer := filepath.Join(buildMount, "etc")
	layers := []string{layer}
	if b.plan.Etc != "" {
		layers = append(layers, b.plan.Etc)
	}
	return b.root.on("etc", func(target string) error {
		if err := overlay("etc", layers, target, b.plan.Rootless); err != nil {
			b.warn("changes to /etc are lost when the machine stops: %s", err)
			if b.plan.Etc != "" {
				if _, err := copyConfiguration(b.plan.Etc, layer); err != nil {
					return err
				}
			}
			return bindAcross(layer, target, "etc", quiet)
		}
		return nil
	})
}

func (b *builder) copyConfiguration() {
	layer := filepath.Join(buildMount, "etc")
	var err error
	if b.plan.Etc != "" {
		err = os.Mkdir(layer, 0o755)
	} else {
		b.leftOut, err = copyConfiguration("/etc", layer)
	}
	if err == nil {
		err = writeIdentity("/etc", layer, b.plan.Spec.Hostname, b.plan.Spec.Directory)
	}
	b.copied <- err
}

func (b *builder) agent() error {
	source := filepath.Join(buildMount, "lms")
	if err := fresh(source, "tmpfs", quiet, "mode=0755,size=64k"); err != nil {
		return err
	}
	target := filepath.Join(source, filepath.Base(guestAgent))
	if err := os.WriteFile(target, nil, 0o755); err != nil {
		return err
	}
	// Read-only, since root in the guest could otherwise write to the host's file through /proc/1/exe (CVE-2019-5736).
	if err := bind(b.plan.Agent, target, quiet|syscall.MS_RDONLY); err != nil {
		return err
	}
	if err := restrict(source, quiet|syscall.MS_RDONLY); err != nil {
		return err
	}
	return b.root.place(source, filepath.Dir(guestAgent)[1:])
}

// enter makes the new root the only one there is.
func (b *builder) enter() error {
	if err := os.Chdir(rootDirectory); err != nil {
		return err
	}
	// With both the same, the old root is mounted over the new one, and off it comes (pivot_root(2)).
	if err := syscall.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount the old root", err)
	}
	return os.Chdir("/")
}
