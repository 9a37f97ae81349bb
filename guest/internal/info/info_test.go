package info

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"syscall"
	"testing"

	"lms-computer/guest/internal/lay"
	"lms-computer/guest/internal/machine"
)

func TestInfoOverHTTP2(t *testing.T) {
	mux := http.NewServeMux()
	Register(mux, "/home/user", "/bin/bash")
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(server.URL + "/v1/info")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got answer
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", got)
	if got.OS == "" || got.OSID == "" || got.Kernel == "" || got.Arch != runtime.GOARCH || got.User == "" || got.UID != os.Getuid() ||
		got.Home != "/home/user" || got.Cwd != "/home/user" || got.Shell != "/bin/bash" || got.CPUs < 1 || got.UptimeMs < 0 ||
		got.Memory.TotalBytes == 0 || got.Memory.AvailableBytes == 0 || got.Memory.AvailableBytes > got.Memory.TotalBytes ||
		got.Disk.TotalBytes == 0 || got.Disk.FreeBytes > got.Disk.TotalBytes {
		t.Errorf("got %+v", got)
	}
}

func TestMemory(t *testing.T) {
	const meminfo = "MemTotal:       4000 kB\nMemFree:         100 kB\nMemAvailable:   3000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  memory
	}{
		"no cgroup":              {map[string]string{}, memory{4000 << 10, 3000 << 10}},
		"version 2, no limit":    {map[string]string{"memory.max": "max\n", "memory.current": "1024\n"}, memory{4000 << 10, 3000 << 10}},
		"version 2":              {map[string]string{"memory.max": "1048576\n", "memory.current": "548576\n", "memory.stat": "anon 1\ninactive_file 100000\n"}, memory{1 << 20, 600000}},
		"version 2, all used":    {map[string]string{"memory.max": "1048576\n", "memory.current": "2000000\n"}, memory{1 << 20, 0}},
		"version 1":              {map[string]string{"memory/memory.limit_in_bytes": "1048576\n", "memory/memory.usage_in_bytes": "48576\n", "memory/memory.stat": "inactive_file 9\ntotal_inactive_file 576\n"}, memory{1 << 20, 1048576 - 48000}},
		"version 1, no limit":    {map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.usage_in_bytes": "1\n"}, memory{4000 << 10, 3000 << 10}},
		"more than the kernel's": {map[string]string{"memory.max": "99999999999\n", "memory.current": "5\n"}, memory{4000 << 10, 3000 << 10}},
		"less is available":      {map[string]string{"memory.max": "4000000\n", "memory.current": "5\n"}, memory{4000000, 3000 << 10}},
	} {
		files := map[string]string{"proc/meminfo": meminfo}
		for path, text := range c.files {
			files["sys/fs/cgroup/"+path] = text
		}
		root := lay.Root(t, files)
		if got := memoryOf(root, machine.CgroupUsage(root)); got != c.want {
			t.Errorf("%s: expected %+v, got %+v", name, c.want, got)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for text, want := range map[string]release{
		"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\nID_LIKE=x\n": {"Debian GNU/Linux 12 (bookworm)", "debian", "12"},
		"NAME='Alpine Linux'\nID=alpine\nVERSION_ID=3.20.1":                                         {"Alpine Linux 3.20.1", "alpine", "3.20.1"},
		"# PRETTY_NAME=no\nPRETTY_NAME=\"a \\\"b\\\" \\$c \\n\"\n":                                  {`a "b" $c \n`, "linux", ""},
		"":                    {"Linux", "linux", ""},
		"PRETTY_NAME=\"\nID=": {"\"", "", ""},
	} {
		if got := parseRelease(text); got != want {
			t.Errorf("%q: expected %+v, got %+v", text, want, got)
		}
	}
}

func TestCPUs(t *testing.T) {
	all := runtime.NumCPU()
	for processors, want := range map[float64]int{0: all, 0.5: 1, 1: 1, 1e9: all} {
		if got := cpusOf(machine.Usage{Processors: processors}); got != want {
			t.Errorf("%v: expected %d, got %d", processors, want, got)
		}
	}
}

// Root in the guest may put anything where this file is.
func TestTheNextReleaseFileCountsWhereTheFirstIsAFIFO(t *testing.T) {
	root := lay.Root(t, map[string]string{"usr/lib/os-release": "ID=below\n"})
	if err := os.Mkdir(root+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(root+"/etc/os-release", 0o644); err != nil {
		t.Fatal(err)
	}
	if got := osRelease(root); got.id != "below" {
		t.Errorf("got %+v", got)
	}
}
