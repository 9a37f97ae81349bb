package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

func TestATreeTooDeepForDescriptors(t *testing.T) {
	m := newMachine(t)
	m.boot()
	// The shell's own cd would be slow: it keeps the whole name.
	m.expect(`perl -e 'chdir "/tmp"; for (1..25000) { mkdir "d", 0700; chdir "d" } print "made"'`, "made")
	m.stop()
	if _, said := m.boot(); said.Status != "started" {
		t.Fatalf("got %+v", said)
	}
	m.expect("ls /tmp", "")
	m.stop()
	m.remove()
	if _, err := os.Lstat(m.directory); !os.IsNotExist(err) {
		t.Fatal("the directory is left:", err)
	}
}

func TestWhatADeepTreeTakesOfMemoryIsNotTheGuests(t *testing.T) {
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	few := before
	few.Cur = 1000
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	t.Cleanup(func() { must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) })
	top := t.TempDir()
	nest(t, top, 2000, strings.Repeat("d", 250))
	root, err := os.OpenRoot(top)
	must(t, err)
	defer root.Close()
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	must(t, discard(root, strings.Repeat("d", 250)))
	runtime.ReadMemStats(&to)
	if took := to.TotalAlloc - from.TotalAlloc; took > 64<<20 {
		t.Errorf("it took %d MiB", took>>20)
	}
}

// Root may delete all there is, so there this runs once more as nobody.
func TestWhatMayNotBeWrittenIsDeletedHoweverDeep(t *testing.T) {
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	top := t.TempDir()
	nest(t, top, 3*sliceDepth, "d")
	path := filepath.Join(top, strings.Repeat("d/", 3*sliceDepth))
	must(t, os.WriteFile(filepath.Join(path, "f"), nil, 0o400))
	for ; path != top; path = filepath.Dir(path) {
		must(t, os.Chmod(path, 0o500))
	}
	root, err := os.OpenRoot(top)
	must(t, err)
	defer root.Close()
	must(t, discard(root, "d"))
}

// To be run with TMPDIR on btrfs.
func TestSubvolumesAreDeletedThoughReadOnly(t *testing.T) {
	top := t.TempDir()
	if err := makeSubvolume(top, "v"); err != nil {
		t.Skip("no subvolume can be made here:", err)
	}
	made := []string{"v"}
	nest(t, filepath.Join(top, "v"), 2*sliceDepth, "d")
	// One in each other, with something in each.
	for range 3 * sliceDepth {
		last := filepath.Join(top, made[len(made)-1])
		must(t, os.WriteFile(filepath.Join(last, "f"), nil, 0o600))
		must(t, makeSubvolume(last, "v"))
		made = append(made, made[len(made)-1]+"/v")
	}
	deep := filepath.Join("v", strings.Repeat("d/", 2*sliceDepth))
	must(t, makeSubvolume(filepath.Join(top, deep), "v"))
	for _, path := range append(made, filepath.Join(deep, "v")) {
		directory, err := os.Open(filepath.Join(top, path))
		must(t, err)
		makeReadOnly(t, directory)
	}
	discardIn(t, top, "v")
}

func makeReadOnly(t *testing.T, subvolume *os.File) {
	t.Helper()
	must(t, btrfs(subvolume, 0x4008941a, []byte{2, 0, 0, 0, 0, 0, 0, 0}))
	must(t, subvolume.Close())
}

func discardIn(t *testing.T, directory, name string) {
	t.Helper()
	root, err := os.OpenRoot(directory)
	must(t, err)
	defer root.Close()
	must(t, discard(root, name))
}

func makeSubvolume(directory, name string) error {
	parent, err := os.Open(directory)
	if err != nil {
		return err
	}
	defer parent.Close()
	arguments := make([]byte, 4096)
	copy(arguments[8:], name)
	return btrfs(parent, 0x5000940e, arguments)
}

func btrfs(on *os.File, request uintptr, argument []byte) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, on.Fd(), request, uintptr(unsafe.Pointer(&argument[0]))); errno != 0 {
		return errno
	}
	return nil
}

// To be run with TMPDIR on btrfs.
func TestASubvolumeIsDeletedThoughItsOwnerMayNotOpenIt(t *testing.T) {
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	top := t.TempDir()
	must(t, os.Mkdir(filepath.Join(top, "d"), 0o700))
	if err := makeSubvolume(filepath.Join(top, "d"), "v"); err != nil {
		t.Skip("no subvolume can be made here:", err)
	}
	path := filepath.Join(top, "d", "v")
	must(t, os.WriteFile(filepath.Join(path, "f"), nil, 0o600))
	directory, err := os.Open(path)
	must(t, err)
	must(t, os.Chmod(path, 0))
	makeReadOnly(t, directory)
	discardIn(t, top, "d")
	if _, err := os.Lstat(filepath.Join(top, "d")); !os.IsNotExist(err) {
		t.Error("it is left:", err)
	}
}

// asNobody runs the test once more.
func asNobody(t *testing.T) {
	t.Helper()
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	again.Dir, again.Env = "/", []string{"TMPDIR=" + os.TempDir()}
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// nest makes directories in each other.
func nest(t *testing.T, top string, levels int, name string) {
	t.Helper()
	root, err := os.OpenRoot(top)
	must(t, err)
	for range levels {
		must(t, root.Mkdir(name, 0o700))
		inner, err := root.OpenRoot(name)
		must(t, err)
		must(t, root.Close())
		root = inner
	}
	must(t, root.Close())
}
