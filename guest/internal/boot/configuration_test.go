package boot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

func TestPrivateIsWhatNotEverybodyMayRead(t *testing.T) {
	for mode, want := range map[fs.FileMode]bool{
		0o644: false, 0o755: false, 0o604: false, 0o600: true, 0o640: true, 0o711: true,
		fs.ModeDir | 0o755: false, fs.ModeDir | 0o700: true, fs.ModeDir | 0o711: true, fs.ModeDir | 0o754: true,
		fs.ModeSymlink | 0o777: false, fs.ModeSocket | 0o777: true, fs.ModeNamedPipe | 0o666: true, fs.ModeDevice | 0o666: true,
	} {
		if private(mode) != want {
			t.Errorf("private(%s) is %v", mode, !want)
		}
	}
}

// host makes a directory as an administrator might have it.
func host(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(directory, "open/closed/deep"), 0o755))
	must(t, os.Chmod(directory, 0o755))
	for name, mode := range map[string]os.FileMode{"plain": 0o644, "secret": 0o600, "open/tool": 0o755, "open/key": 0o640, "open/closed/deep/x": 0o644, "passwd": 0o644} {
		must(t, os.WriteFile(filepath.Join(directory, name), []byte(name), 0o600))
		must(t, os.Chmod(filepath.Join(directory, name), mode))
	}
	must(t, os.Symlink("secret", filepath.Join(directory, "link")))
	must(t, syscall.Mkfifo(filepath.Join(directory, "pipe"), 0o666))
	must(t, os.Chmod(filepath.Join(directory, "open/closed"), 0o700))
	return directory
}

func names(t *testing.T, directory string) (found []string) {
	t.Helper()
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(directory, path)
		found = append(found, name)
		return err
	}))
	slices.Sort(found)
	return found
}

func TestCopyConfiguration(t *testing.T) {
	target := filepath.Join(t.TempDir(), "etc")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	left, err := copyConfiguration(host(t), target)
	must(t, err)
	if got, want := names(t, target), []string{".", "link", "open", "open/tool", "plain"}; !slices.Equal(got, want) || left != 0 {
		t.Fatalf("got %q and %d left out, expected %q", got, left, want)
	}
	if info, err := os.Stat(filepath.Join(target, "open/tool")); err != nil || info.Mode() != 0o755 {
		t.Fatalf("got %v, %v", info.Mode(), err)
	}
}

func TestHide(t *testing.T) {
	layer := filepath.Join(t.TempDir(), "layer")
	hidden, err := hide(layer, host(t), []examination{{path: "."}, {path: "missing"}})
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this kernel lets only root make whiteouts:", err)
	}
	must(t, err)
	if got, want := names(t, layer), []string{".", "open", "open/closed", "open/key", "pipe", "secret"}; !slices.Equal(got, want) || hidden != 4 {
		t.Fatalf("got %q and %d, expected %q", got, hidden, want)
	}
}

func TestHideInPlacesInEachOther(t *testing.T) {
	layer, source := filepath.Join(t.TempDir(), "layer"), t.TempDir()
	for _, path := range []string{"local/pgsql/data", "local/nginx/conf", "local/lib/a/b/c", "local/etc/a/b/c"} {
		must(t, os.MkdirAll(filepath.Join(source, path), 0o755))
	}
	for _, path := range []string{"local/pgsql/data/hba", "local/nginx/conf/key", "local/lib/a/b/c/deep", "local/etc/a/b/c/key", "local/etc/key"} {
		must(t, os.WriteFile(filepath.Join(source, path), nil, 0o600))
	}
	must(t, os.Chmod(filepath.Join(source, "local/pgsql/data"), 0o700))
	_, err := hide(layer, source, examined["usr"])
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this kernel lets only root make whiteouts:", err)
	}
	must(t, err)
	want := []string{
		".", "local", "local/etc", "local/etc/a", "local/etc/a/b", "local/etc/a/b/c", "local/etc/a/b/c/key", "local/etc/key",
		"local/nginx", "local/nginx/conf", "local/nginx/conf/key", "local/pgsql", "local/pgsql/data",
	}
	if got := names(t, layer); !slices.Equal(got, want) {
		t.Fatalf("got %q, expected %q", got, want)
	}
}

func TestHideLeavesWhatIsOutOfReach(t *testing.T) {
	source := host(t)
	must(t, os.Chmod(source, 0o700))
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else for a moment")
	}
	layer := filepath.Join(t.TempDir(), "layer")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Of this thread alone, unlike syscall.Setfsuid (setfsuid(2)).
	const nobody = 65534
	_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
	defer func() { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0) }()
	if hidden, err := hide(layer, source, []examination{{path: "open"}}); err != nil || hidden != 0 {
		t.Fatalf("got %d, %v", hidden, err)
	}
}

func TestAccountsAreTheSystems(t *testing.T) {
	passwd, known := accounts("root:$6$hash:0:0:root:/wherever:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nann:x:1000:1000:Ann Lee:/home/ann:/bin/bash\nbroken\nnobody:x:65534:65534::/:/bin/false\n")
	if want := "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534::/:/bin/false\n"; passwd != want {
		t.Fatalf("got %q", passwd)
	}
	if got, want := groups("root:x:0:\nsudo:x:27:ann\ndisk:x:6:_apt,ann\nann:x:1000:\n", known), "root:x:0:\nsudo:x:27:\ndisk:x:6:_apt\n"; got != want {
		t.Fatalf("got %q", got)
	}
	if passwd, _ := accounts(""); passwd != "root:x:0:0:root:/root:/bin/sh\n" {
		t.Fatalf("without a host's: got %q", passwd)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
