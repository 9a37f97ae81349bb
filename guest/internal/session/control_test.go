package session

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

func TestReports(t *testing.T) {
	whole := []byte("\x00Bn1\x00noise\x00Dwrong 0\x00/x\x00 more\x00\x00Dn1 7\x00/a\nb\x00tail\x00X/end\x00")
	expected := []report{{begins, 0, "n1"}, {ended, 7, "/a\nb"}, {exits, 0, "/end"}}
	for cut := range whole {
		var c control
		reports := append(c.feed(whole[:cut], "n1"), c.feed(whole[cut:], "n1")...)
		if !reflect.DeepEqual(reports, expected) {
			t.Fatalf("cut at %d: got %+v", cut, reports)
		}
	}
}

// Any process may leave a record open, and the shell's next one must be seen all the same.
func TestARecordThatSomebodyElseHasBegun(t *testing.T) {
	eachShell(t, func(t *testing.T, g *guest) {
		for _, open := range []string{`\0`, `\0B`, `\0X`, `\0D`, `\0Dx`, `\0D `, `\0X/x`} {
			g.expect(fmt.Sprintf("for f in %s/*/ctl; do printf '%s' >$f; done", g.runDir(), open), 0, "", "timeoutMs", 20_000)
			g.expect("echo on", 0, "on\n", "timeoutMs", 20_000)
		}
		g.expect(fmt.Sprintf(`cd /tmp; export A=1; for f in %s/*/ctl; do printf '\0X' >$f; done; cd /usr; exit 3`, g.runDir()), 3, "")
		g.expect("pwd", 0, "/usr\n")
	})
}

func FuzzControl(f *testing.F) {
	f.Add([]byte("\x00Dn 0\x00/\x00"), []byte("\x00X/\x00"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var split, joined control
		one := append(split.feed(a, "n"), split.feed(b, "n")...)
		two := joined.feed(append(bytes.Clone(a), b...), "n")
		if len(a)+len(b) < maxReportBytes && !reflect.DeepEqual(one, two) {
			t.Fatalf("in two: %+v, in one: %+v", one, two)
		}
		if len(split.buffer) > maxReportBytes {
			t.Fatal("the buffer grows without bound")
		}
	})
}
