package session

import (
	"bytes"
	"reflect"
	"testing"
)

func TestReports(t *testing.T) {
	whole := []byte("\x00Bn1\x00noise\x00Dwrong 0\x00/x\x00 more\x00\x00Dn1 7\x00/a\nb\x00tail\x00X/end\x00")
	expected := []report{{begin: true, cwd: "n1"}, {status: 7, cwd: "/a\nb"}, {exit: true, cwd: "/end"}}
	for cut := range whole {
		var c control
		reports := append(c.feed(whole[:cut], "n1"), c.feed(whole[cut:], "n1")...)
		if !reflect.DeepEqual(reports, expected) {
			t.Fatalf("cut at %d: got %+v", cut, reports)
		}
	}
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
