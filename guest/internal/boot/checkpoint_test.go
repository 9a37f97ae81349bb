package boot

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestCopyTreeIsExact(t *testing.T) {
	source, target := filepath.Join(t.TempDir(), "s"), filepath.Join(t.TempDir(), "t")
	script := `umask 0; mkdir -p "$0/a/b" "$0/tmp/x" && cd "$0" && echo one > one && ln one a/two && ln -s /etc/shadow a/link && mkfifo a/fifo &&
		echo x > "$(printf 'odd\n\377')" && chmod 4751 one && chmod 500 a/b && truncate -s 1T a/sparse && printf end | dd of=a/sparse bs=1M seek=3 conv=notrunc 2>/dev/null &&
		touch -d 2001-02-03T04:05:06.789 a/b one && touch -h -d 2001-01-01 a/link && mknod a/whiteout c 0 0 && mkdir -m 1777 tmp2`
	if out, err := exec.Command("/bin/sh", "-c", script, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var c treeCopier
	must(t, c.copyTree(source, target, "tmp"))
	must(t, os.Remove(filepath.Join(source, "tmp/x")))
	list := func(directory string) string {
		out, err := exec.Command("/bin/sh", "-c", `cd "$0" && find . ! -path ./tmp -printf '%P %y %m %U %G %n %l %T@\n' | sort; find . -type f -size -1M -exec sha256sum {} + | sort; stat -c %s a/sparse`, directory).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if want, got := list(source), list(target); got != want {
		t.Fatalf("expected\n%s\ngot\n%s", want, got)
	}
	var stat syscall.Stat_t
	must(t, syscall.Stat(filepath.Join(target, "a/sparse"), &stat))
	if stat.Blocks*512 > 4<<20 {
		t.Errorf("the hole was filled: %d bytes", stat.Blocks*512)
	}
	if c.bytes > 4<<20 {
		t.Errorf("counted %d bytes", c.bytes)
	}
}

func TestCopyTreeRefusesToNestTooDeep(t *testing.T) {
	source := t.TempDir()
	root, err := os.OpenRoot(source)
	must(t, err)
	for range maxDepth + 10 {
		must(t, root.Mkdir("d", 0o755))
		inner, err := root.OpenRoot("d")
		must(t, err)
		root.Close()
		root = inner
	}
	root.Close()
	var c treeCopier
	if err := c.copyTree(source, filepath.Join(t.TempDir(), "t"), ""); codeOf(err) != "too_large" {
		t.Fatalf("got %v", err)
	}
}

func TestWhatSeveralNamesTakeOfMemoryIsNotTheGuests(t *testing.T) {
	source := t.TempDir()
	const levels, files = 400, 500
	name := strings.Repeat("d", 250)
	nest(t, source, levels, name)
	root, err := os.OpenRoot(source)
	must(t, err)
	for range levels {
		inner, err := root.OpenRoot(name)
		must(t, err)
		must(t, root.Close())
		root = inner
	}
	for i := range files {
		must(t, root.WriteFile(strconv.Itoa(i), nil, 0o600))
		must(t, root.Link(strconv.Itoa(i), strconv.Itoa(i)+"-again"))
	}
	must(t, root.Close())
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	var c treeCopier
	must(t, c.copyTree(source, filepath.Join(t.TempDir(), "t"), ""))
	runtime.ReadMemStats(&to)
	if took := to.TotalAlloc - from.TotalAlloc; took > 32<<20 {
		t.Errorf("it took %d MiB", took>>20)
	}
}

// A rollback is cut short after each of its steps in turn; the next start must finish it, or not have begun.
func TestRollbackIsFinishedWhereverItWasCutShort(t *testing.T) {
	const token = "0123456789ab"
	steps := []func(d string) error{
		func(string) error { return nil },
		func(d string) error { return os.Rename(d+"/next."+token, d+"/next") },
		func(d string) error { return os.Mkdir(d+"/old", 0o700) },
		func(d string) error { return os.Rename(d+"/rootfs", d+"/old/rootfs") },
		func(d string) error { return os.Rename(d+"/next/rootfs", d+"/rootfs") },
		func(d string) error { return os.Rename(d+"/upper", d+"/old/upper") },
		func(d string) error { return os.Rename(d+"/next/upper", d+"/upper") },
		func(d string) error { return os.RemoveAll(d + "/work") },
		func(d string) error { return os.Rename(d+"/next/base", d+"/base") },
		func(d string) error { return os.Remove(d + "/next") },
	}
	for cut := range steps {
		d := t.TempDir()
		for path, text := range map[string]string{
			"rootfs/f": "now", "upper/usr/f": "now", "work/usr/f": "now", "next." + token + "/rootfs/f": "then", "next." + token + "/upper/usr/f": "then",
			"next." + token + "/base": token,
		} {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(d, path)), 0o755))
			must(t, os.WriteFile(filepath.Join(d, path), []byte(text), 0o644))
		}
		for _, step := range steps[:cut+1] {
			must(t, step(d))
		}
		must(t, applyNext(d, ""))
		want := "then"
		if cut == 0 {
			want = "now"
		}
		for _, path := range []string{"rootfs/f", "upper/usr/f"} {
			if data, err := os.ReadFile(filepath.Join(d, path)); err != nil || string(data) != want {
				t.Errorf("cut after step %d: %s is %q (%v), expected %q", cut, path, data, err, want)
			}
		}
		if _, err := os.Lstat(filepath.Join(d, "next")); err == nil {
			t.Errorf("cut after step %d: next is left", cut)
		}
	}
}

func TestFrozenMachineGoesOnWhenItsFreezerDies(t *testing.T) {
	m := newMachine(t)
	m.boot()
	if findFreezer(m.directory) == nil {
		t.Skip("there is no freezer here")
	}
	m.run(`mkdir -p /home/user/big && dd if=/dev/zero of=/home/user/big/f bs=1M count=64 2>/dev/null`)
	target := t.TempDir()
	order, _ := json.Marshal(copyOrder{Directory: m.directory, Target: target})
	command := exec.Command("/proc/self/exe", "boot", "copy")
	command.Stdin = bytes.NewReader(order)
	must(t, command.Start())
	for {
		if _, err := os.Lstat(filepath.Join(target, rootDirectory)); err == nil {
			break
		}
	}
	must(t, command.Process.Kill())
	_ = command.Wait()
	m.expect("echo on", "on")
	answer := string(agentSays(t, string(order[:len(order)-1])+`,"target":"`+t.TempDir()+`"}`, "copy"))
	if !strings.Contains(answer, `"status":"copied"`) {
		t.Fatalf("got %s", answer)
	}
	m.expect("echo on", "on")
}
