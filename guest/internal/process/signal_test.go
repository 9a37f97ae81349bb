package process

import (
	"strings"
	"syscall"
	"testing"
)

func TestSignalNamed(t *testing.T) {
	for _, name := range []string{"TERM", "SIGTERM", "sigterm", "term"} {
		if got, err := SignalNamed(name, EndingSignals); err != nil || got != syscall.SIGTERM {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"STOP", "", "NONE", "SIG", "15", "HUP INT"} {
		if _, err := SignalNamed(name, EndingSignals); err == nil {
			t.Errorf("%q: expected to be refused", name)
		}
	}
	for name := range strings.FieldsSeq(AllSignals) {
		if got, err := SignalNamed(name, AllSignals); err != nil || got == 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if len(signals) != len(strings.Fields(AllSignals)) {
		t.Error("a signal has a number and is in no list, or the other way round")
	}
}
