package process

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	line := []byte("12 (a) b (c)\n) S 3 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100")
	stat, ok := ParseStat(line)
	want := Stat{Pid: 12, Parent: 3, Session: 12, State: 'S', Name: "a) b (c)\n", OwnTicks: 5 + 6, ChildTicks: 7 + 8, Threads: 1, Start: 4711, RSSPages: 100}
	if !ok || stat != want {
		t.Fatalf("got %+v, expected %+v", stat, want)
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := ParseStat(own); !ok || stat.Pid != os.Getpid() || stat.Parent != os.Getppid() || stat.Start > BootTicks() {
		t.Fatalf("got %+v of %s", stat, own)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("12 (x) S 3 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100"))
	f.Add([]byte("7 (a) b) (c) R 1 1 1 0 -1 4194560 0 0 0 0 1 1 0 0 20 0 1 0 200 1000000 3 0 0 0\n"))
	f.Add([]byte("1 (x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if stat, ok := ParseStat(line); ok && (stat.State == 0 || stat.Pid <= 0 || stat.RSSPages < 0) {
			t.Fatalf("got %+v", stat)
		}
	})
}
