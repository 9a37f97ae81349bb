package boot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// This test's own program is the agent here: `boot …` is the real thing, and `init` runs one shell script per connection.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "boot" {
		if err := Run(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "init" {
		serveScripts()
	}
	os.Exit(m.Run())
}

func serveScripts() {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM)
	go func() {
		<-ends
		os.Exit(0)
	}()
	listener, err := net.FileListener(os.NewFile(listenFD, "listener"))
	if err != nil {
		os.Exit(1)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			defer connection.Close()
			script, _ := io.ReadAll(connection)
			output, err := exec.Command("/bin/sh", "-c", string(script)).CombinedOutput()
			_, _ = connection.Write(output)
			if err != nil {
				fmt.Fprintln(connection, "script:", err)
			}
		}()
	}
}

type machine struct {
	*testing.T
	directory string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	return newMachineIn(t, t.TempDir())
}

func newMachineIn(t *testing.T, state string) machine {
	t.Helper()
	var can ability
	must(t, json.Unmarshal(agentSays(t, `{"directory":"`+state+`"}`, "probe"), &can))
	if !can.Usable {
		t.Skipf("no machine can be made here: %s", can.Reason)
	}
	m := machine{t, filepath.Join(state, "m")}
	must(t, os.Mkdir(m.directory, 0o700))
	t.Cleanup(func() {
		m.stop()
		m.remove()
		if _, err := os.Lstat(m.directory); err == nil {
			t.Error("the directory is left")
		}
		for _, h := range machineHierarchies() {
			if _, err := os.Lstat(filepath.Join(h.Base, "lms-computer", groupID(m.directory))); err == nil {
				t.Errorf("a group is left in %s", h.Base)
			}
		}
	})
	return m
}

func agentSays(t *testing.T, input string, args ...string) []byte {
	t.Helper()
	command := exec.Command("/proc/self/exe", append([]string{"boot"}, args...)...)
	command.Stdin, command.Stderr = strings.NewReader(input), os.Stderr
	output, _ := command.Output()
	return output
}

func (m machine) boot() (*exec.Cmd, answer) {
	m.Helper()
	supervisor, said := m.tryBoot()
	if said.Status == "failed" {
		m.Fatalf("boot: %+v", said.Failure)
	}
	return supervisor, said
}

// tryBoot starts a supervisor and gives it and its answer.
func (m machine) tryBoot(changes ...func(*Spec)) (*exec.Cmd, answer) {
	m.Helper()
	wanted := Spec{Directory: m.directory, Name: "m", Hostname: "tester", CPUs: 1, MemoryBytes: 256 << 20, PIDs: 200, Network: "none", Env: map[string]string{"GREETING": "hi there"}}
	for _, change := range changes {
		change(&wanted)
	}
	spec, err := json.Marshal(wanted)
	must(m.T, err)
	command := exec.Command("/proc/self/exe", "boot")
	command.Stdin, command.Stderr = bytes.NewReader(spec), os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := command.StdoutPipe()
	must(m.T, err)
	must(m.T, command.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	must(m.T, err)
	var said answer
	must(m.T, json.Unmarshal(line, &said))
	go func() { _ = command.Wait() }()
	m.Logf("boot: %s", line)
	return command, said
}

// run gives the output of a shell script in the guest.
func (m machine) run(script string) string {
	m.Helper()
	connection, err := net.Dial("unix", filepath.Join(m.directory, agentSocket))
	must(m.T, err)
	defer connection.Close()
	_, err = io.WriteString(connection, script)
	must(m.T, err)
	must(m.T, connection.(*net.UnixConn).CloseWrite())
	output, err := io.ReadAll(connection)
	must(m.T, err)
	return strings.TrimSpace(string(output))
}

func (m machine) expect(script, want string) {
	m.Helper()
	if got := m.run(script); got != want {
		m.Errorf("%s: got %q, expected %q", script, got, want)
	}
}

func (m machine) stop() {
	connection, err := net.Dial("unix", filepath.Join(m.directory, controlSocket))
	if err != nil {
		return
	}
	defer connection.Close()
	_, _ = io.WriteString(connection, "stop\n")
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, connection); err != nil {
		m.Error("stop:", err)
	}
}

func (m machine) remove() {
	if said := agentSays(m.T, `{"directory":"`+m.directory+`"}`, "remove"); !strings.Contains(string(said), "removed") {
		m.Errorf("remove: %s", said)
	}
}

func TestTheGuestIsConfined(t *testing.T) {
	m := newMachine(t)
	if _, said := m.boot(); said.Status != "started" {
		t.Fatalf("got %+v", said)
	}
	m.expect("id -u; hostname; cat /etc/hostname; echo $GREETING $HOME", "0\ntester\ntester\nhi there /home/user")
	m.expect("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status | tr -s '\\t' ' '",
		"CapInh: 0000000000000000\nCapPrm: 00000000800000fb\nCapEff: 00000000800000fb\nCapBnd: 00000000800000fb\nCapAmb: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2")
	m.expect("ls -A /home /root /tmp /srv", "/home:\nuser\n\n/root:\n\n/srv:\n\n/tmp:")
	m.expect("cut -d: -f2 /etc/shadow | sort -u", "*")
	m.expect("ls /proc | grep -c '^[0-9]' | awk '{print ($1 < 10)}'", "1")
	m.expect("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo")
	m.expect("stat -fc %T /proc/1/fd/0 >/dev/null; ls /proc/1/fd/0 -l | sed 's/.*-> //'", "/dev/null")
	for _, script := range []string{
		"mount -t tmpfs x /mnt", "unshare -U true", "mknod /tmp/sda b 8 0", "chroot / true", "echo x >/proc/sysrq-trigger",
		"echo x >/proc/sys/kernel/core_pattern", "echo x >/.lms/agent", "echo x >>/proc/1/exe", "rm -f /.lms/agent", "mkdir /sys/fs/cgroup/x",
		"mount -o remount,rw /proc/sys", "kill -STOP 1 && test -e /nowhere",
	} {
		if got := m.run("( " + script + " ) 2>/dev/null && echo done"); strings.HasPrefix(got, "done") {
			t.Errorf("the guest could: %s", script)
		}
	}
	must(t, filepath.WalkDir("/etc", func(path string, entry fs.DirEntry, err error) error {
		if info, e := entry.Info(); err == nil && e == nil && private(info.Mode()) && path != "/etc/shadow" {
			m.expect("test -e '"+path+"' && echo seen; true", "")
		}
		if entry.IsDir() && err != nil {
			return fs.SkipDir
		}
		return nil
	}))
}

func TestFilesStayAndTmpDoesNot(t *testing.T) {
	m := newMachine(t)
	m.boot()
	m.run("for d in /etc /home/user /root /var/lib /srv /tmp /new; do mkdir -p $d; echo kept >$d/mine; done; rm /etc/profile; echo x >/etc/shadow")
	m.stop()
	m.boot()
	m.expect("cat /etc/mine /home/user/mine /root/mine /var/lib/mine /srv/mine /new/mine /etc/shadow; ls /tmp /etc/profile 2>/dev/null; true", "kept\nkept\nkept\nkept\nkept\nkept\nx\n/tmp:")
}

// The guest owns its directories. Whatever it makes of them, the next boot and the removal must not act on the host's.
func TestNothingTheGuestLeavesLeadsOutside(t *testing.T) {
	m := newMachine(t)
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "canary"), []byte("alive"), 0o666))
	must(t, os.Chmod(outside, 0o777))
	m.boot()
	m.run(`cd /; for d in tmp var home srv media root; do rm -rf $d 2>/dev/null; mv $d /was-$d; ln -s ` + outside + ` $d; done
		for f in hostname hosts resolv.conf passwd shadow mtab machine-id; do rm -rf /etc/$f; ln -s ` + outside + `/canary /etc/$f; done
		rm -f /bin /sbin /lib /lib64; ln -s ` + outside + ` /bin; mkdir -p /home/user/closed/x; chmod 0 /home/user/closed; ln -s / "$(printf '/srv/\377\n')"`)
	m.stop()
	// It may well be of no use any more; that is its own affair.
	_, _ = m.tryBoot()
	m.stop()
	m.remove()
	entries, err := os.ReadDir(outside)
	must(t, err)
	if content, err := os.ReadFile(filepath.Join(outside, "canary")); err != nil || string(content) != "alive" || len(entries) != 1 {
		t.Fatalf("got %v, %q, %v", entries, content, err)
	}
}

func TestOneMachineWhoeverBootsIt(t *testing.T) {
	m := newMachine(t)
	var wait sync.WaitGroup
	var mutex sync.Mutex
	count := map[string]int{}
	for range 4 {
		wait.Go(func() {
			_, said := m.boot()
			mutex.Lock()
			count[said.Status]++
			mutex.Unlock()
		})
	}
	wait.Wait()
	if count["started"] != 1 || count["running"] != 3 {
		t.Fatalf("got %v", count)
	}
	if said := agentSays(t, `{"directory":"`+m.directory+`"}`, "remove"); !strings.Contains(string(said), `"busy"`) {
		t.Fatalf("removing a running machine: got %s", said)
	}
}

func TestAKilledSupervisorTakesTheMachineWithIt(t *testing.T) {
	m := newMachine(t)
	supervisor, _ := m.boot()
	connection, err := net.Dial("unix", filepath.Join(m.directory, agentSocket))
	must(t, err)
	defer connection.Close()
	// A connection that the guest has open ends when the guest does.
	_, err = io.WriteString(connection, "trap '' TERM HUP INT; sleep 1000")
	must(t, err)
	must(t, connection.(*net.UnixConn).CloseWrite())
	must(t, supervisor.Process.Kill())
	must(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	if output, err := io.ReadAll(connection); len(output) > 0 || os.IsTimeout(err) {
		t.Fatalf("got %q, %v", output, err)
	}
	if _, said := m.boot(); said.Status != "started" {
		t.Fatalf("afterwards: %+v", said)
	}
	m.expect("echo $GREETING", "hi there")
}

// As inside a container, whose root is an overlay: no upper directory can be there.
func TestAStateDirectoryThatCarriesNoOverlay(t *testing.T) {
	layers := t.TempDir()
	for _, name := range []string{"lower", "upper", "work", "state"} {
		must(t, os.Mkdir(filepath.Join(layers, name), 0o755))
	}
	state := filepath.Join(layers, "state")
	data := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", layers)
	if err := syscall.Mount("overlay", state, "overlay", 0, data); err != nil {
		t.Skip("an overlay can not be mounted here:", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(state, 0)) })
	m := newMachineIn(t, state)
	if _, said := m.boot(); len(said.Warnings) == 0 {
		t.Fatal("expected warnings")
	}
	m.expect("touch /etc/x /home/user/x /new && echo yes", "yes")
	m.expect("touch /usr/x 2>/dev/null || echo no", "no")
}

func TestTheCopyOfEtcIsForEverybodyWhoeverMadeIt(t *testing.T) {
	m := newMachine(t)
	old := syscall.Umask(0o077)
	_, said := m.tryBoot(func(s *Spec) { s.Shared = filepath.Join(filepath.Dir(m.directory), "copies") })
	syscall.Umask(old)
	if said.Status != "started" {
		t.Fatalf("got %+v", said)
	}
	m.expect("find -H /etc ! -type l ! -perm -004 ! -name shadow", "")
}

func TestABootThatHangsCanBeStopped(t *testing.T) {
	m := newMachine(t)
	spec, err := json.Marshal(Spec{Directory: m.directory, Name: "m", Hostname: "tester", CPUs: 1, MemoryBytes: 256 << 20, PIDs: 200, Network: "none"})
	must(t, err)
	// One that was up before it could be stopped is ended, and the next one tried.
	for try := range 50 {
		supervisor := exec.Command("/proc/self/exe", "boot")
		supervisor.Stdin = bytes.NewReader(spec)
		must(t, supervisor.Start())
		ended := make(chan struct{})
		go func() { _ = supervisor.Wait(); close(ended) }()
		stopped := stopInside(supervisor.Process.Pid, ended)
		must(t, supervisor.Process.Signal(syscall.SIGTERM))
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = supervisor.Process.Kill()
			t.Fatal("it did not end")
		}
		if stopped {
			return
		}
		t.Logf("try %d: it was up before it could be stopped", try)
	}
	t.Error("none could be stopped")
}

// stopInside stops the PID 1 that a supervisor makes, which stands as still then as it would in the kernel. False: it was up before.
func stopInside(supervisor int, ended <-chan struct{}) bool {
	for {
		select {
		case <-ended:
			return false
		default:
		}
		children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", supervisor))
		for _, path := range children {
			text, _ := os.ReadFile(path)
			for _, word := range strings.Fields(string(text)) {
				args, _ := os.ReadFile("/proc/" + word + "/cmdline")
				switch pid, _ := strconv.Atoi(word); {
				case bytes.Contains(args, []byte("\x00init\x00")):
					return false
				case bytes.Contains(args, []byte("\x00inside")): // not before it is another program: it dies with the supervisor from just before on
					return syscall.Kill(pid, syscall.SIGSTOP) == nil
				}
			}
		}
	}
}
