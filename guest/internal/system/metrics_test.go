package system

import (
	"math"
	"os"
	"testing"

	"lms-computer/guest/internal/lay"
)

func TestWithoutCgroupsTheProcessesAreAddedUp(t *testing.T) {
	root := lay.Root(t, map[string]string{
		"proc/1/stat":   "1 (agent) S 0 1 1 0 -1 4194560 0 0 0 0 10 20 30 40 20 0 8 0 100 1000000 2 0 0 0\n",
		"proc/7/stat":   "7 (a) b) (c) R 1 1 1 0 -1 4194560 0 0 0 0 1 1 0 0 20 0 1 0 200 1000000 3 0 0 0\n",
		"proc/net/dev":  "Inter-| Receive\n face |bytes\n    lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n  eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n",
		"proc/loadavg":  "0.50 1.25 3.00 2/345 678\n",
		"proc/net/tcp":  "",
		"proc/1/status": "",
	})
	is := measure(root, t.TempDir())
	if is.CPU.UsedMs != 1020 || is.Memory.UsedBytes != 5*uint64(os.Getpagesize()) || is.Pids.Used != 9 || is.Pids.Limit != nil {
		t.Errorf("got %+v", is)
	}
	if is.Network != (net{101, 202}) || is.Load[0] != 0.5 || is.Load[1] != 1.25 || is.Load[2] != 3 {
		t.Errorf("got %+v", is)
	}
	if is.Disk.TotalBytes == 0 || is.Disk.UsedBytes > is.Disk.TotalBytes {
		t.Errorf("got %+v", is.Disk)
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add("0.50 1.25 3.00 2/345 678\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = parseNetwork(text)
		for _, n := range parseLoad(text) {
			if n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
				t.Errorf("load %q: %v", text, n)
			}
		}
	})
}
