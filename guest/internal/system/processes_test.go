package system

import (
	"bytes"
	"encoding/json"
	stdnet "net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"lms-computer/guest/internal/machine"
)

func serve(t *testing.T) string {
	mux := http.NewServeMux()
	Register(mux, t.TempDir(), func() (used, limit *uint64) { return nil, nil })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		t.Fatalf("%s: %s", url, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func signalled(t *testing.T, url string, pid any, body string) string {
	t.Helper()
	response, err := http.Post(url+"/v1/processes/"+strings.TrimSpace(toText(pid))+"/signal", "", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var failure struct{ Code string }
	_ = json.NewDecoder(response.Body).Decode(&failure)
	return failure.Code
}

func toText(pid any) string {
	if n, ok := pid.(int); ok {
		return strconv.Itoa(n)
	}
	return pid.(string)
}

// sleeper is a process of this test with a marker and a hostile name of its own.
func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	command := exec.Command("sleep", "1000")
	command.Args[0] = "evil\x1b[2J\nname"
	command.Env = append(os.Environ(), "LMS_COMMAND=abc123.42")
	if err := command.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	return command
}

func TestListAndSignal(t *testing.T) {
	url := serve(t)
	command := sleeper(t)
	pid := command.Process.Pid
	var list processes
	get(t, url+"/v1/processes", &list)
	found := map[int]entry{}
	for _, one := range list.Processes {
		found[one.Pid] = one
	}
	own := found[os.Getpid()]
	if !own.Internal || own.RSSBytes == 0 || own.Threads < 2 || own.Parent != os.Getppid() {
		t.Errorf("this process: %+v", own)
	}
	it := found[pid]
	if it.Internal || it.CommandID != "42" || it.Parent != os.Getpid() || it.State == "" || it.Name != "sleep" {
		t.Errorf("the sleeper: %+v", it)
	}
	if it.Command != "evil�[2J�name 1000" {
		t.Errorf("its command: %q", it.Command)
	}
	if it.UID != uint32(os.Geteuid()) || it.User == "" || it.StartedAt < own.StartedAt {
		t.Errorf("the sleeper: %+v", it)
	}
	if code := signalled(t, url, pid, `{"signal":"SIGTERM"}`); code != "" {
		t.Fatal(code)
	}
	err := command.Wait()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("expected TERM, got %v", err)
	}
	if code := signalled(t, url, pid, `{}`); code != "not_found" {
		t.Errorf("a process that is gone: %q", code)
	}
}

func TestTheAgentIsNotSignalled(t *testing.T) {
	url := serve(t)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{1, os.Getpid()} {
		if code := signalled(t, url, pid, `{"signal":"USR1"}`); code != "permission_denied" {
			t.Errorf("%d: %q", pid, code)
		}
	}
	for _, thread := range threads {
		if thread.Name() != strconv.Itoa(os.Getpid()) {
			if code := signalled(t, url, thread.Name(), `{"signal":"USR1"}`); code != "not_found" {
				t.Errorf("thread %s: %q", thread.Name(), code)
			}
		}
	}
	for _, pid := range []string{"0", "-1", "x", "99999999999999999999"} {
		if code := signalled(t, url, pid, `{}`); code != "invalid_argument" {
			t.Errorf("%q: %q", pid, code)
		}
	}
	if code := signalled(t, url, 2147483647, `{"signal":"KILL"}`); code != "not_found" {
		t.Error(code)
	}
	if code := signalled(t, url, os.Getppid(), `{"signal":"NONE"}`); code != "invalid_argument" {
		t.Error(code)
	}
}

func TestPorts(t *testing.T) {
	url := serve(t)
	want := map[int]string{}
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"} {
		listener, err := stdnet.Listen("tcp", address)
		if err != nil {
			continue
		}
		t.Cleanup(func() { listener.Close() })
		want[listener.Addr().(*stdnet.TCPAddr).Port] = strings.Trim(strings.TrimSuffix(address, ":0"), "[]")
	}
	var list ports
	get(t, url+"/v1/ports", &list)
	for _, one := range list.Ports {
		if address, ok := want[int(one.Port)]; ok {
			if one.Pid != os.Getpid() || one.Program == "" || one.Address != address && address != "0.0.0.0" {
				t.Errorf("expected %s, got %+v", address, one)
			}
			delete(want, int(one.Port))
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

func TestTables(t *testing.T) {
	const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	found := parseTable(strings.NewReader(header +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 0 100 0 0 10 0\n" +
		"   2: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0\n"))
	if len(found) != 2 {
		t.Fatalf("got %+v", found)
	}
	if found[0] != (port{Port: 8080, Address: "127.0.0.1", UID: 1000, inode: 12345}) || found[1] != (port{Port: 22, Address: "::1", inode: 99}) {
		t.Errorf("got %+v", found)
	}
}

func TestTools(t *testing.T) {
	url := serve(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"git":     "#!/bin/sh\necho git version 2.39.5 and more\n",
		"python3": "#!/bin/sh\nprintf 'Python \\033[31m3.11.2\\n'; while :; do echo y; done\n",
		"node":    "#!/bin/sh\necho $$ >" + dir + "/pid; exec /bin/sleep 1000\n",
		"curl":    "not executable",
	} {
		mode := os.FileMode(0o755)
		if name == "curl" {
			mode = 0o644
		}
		if err := os.WriteFile(dir+"/"+name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", "relative:"+dir)
	for round := range 2 {
		var list struct{ Tools []tool }
		get(t, url+"/v1/tools?versions=1", &list)
		got := map[string]string{}
		for _, one := range list.Tools {
			got[one.Name] = one.Version
		}
		if len(got) != 3 || got["git"] != "2.39.5" || got["python3"] != "3.11.2" || got["node"] != "" {
			t.Errorf("round %d: %+v", round, got)
		}
		if round == 0 {
			pid, _ := os.ReadFile(dir + "/pid")
			n, _ := strconv.Atoi(strings.TrimSpace(string(pid)))
			lives := func() bool { return parseTgid(machine.ReadSmall("/proc", strconv.Itoa(n), "status")) == n }
			for range 200 {
				if !lives() {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if lives() {
				t.Error("the one that hangs lives on")
			}
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte("Name:\tx\nTgid:\t7\nUid:\t0\t1000\t0\t0\n"))
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		parseUID(text)
		parseTgid(text)
		users(text)
	})
}

func FuzzTable(f *testing.F) {
	f.Add("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, one := range parseTable(strings.NewReader(text)) {
			if stdnet.ParseIP(one.Address) == nil {
				t.Errorf("%q: %+v", text, one)
			}
		}
		parseSocket(text)
	})
}

func FuzzText(f *testing.F) {
	f.Add([]byte("LMS_COMMAND=abc.1\x00A=B\x00"))
	f.Add(bytes.Repeat([]byte("é\x00"), 2000))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(parseMarker(data)) > 32 {
			t.Errorf("%q: marker", data)
		}
		for _, text := range []string{commandLine(data), parseVersion(string(data))} {
			if !utf8.ValidString(text) || len(text) > maxCommandBytes+3 || strings.ContainsAny(text, "\x00\x1b\n\r") {
				t.Errorf("%q gave %q", data, text)
			}
		}
	})
}
