package terminal

import "testing"

func TestAViewerThatWasCutOffCostsNothing(t *testing.T) {
	s := newScreen()
	stalled, follows := s.attach(), s.attach()
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(make([]byte, 2*viewerBytes))
	}()
	if got := len(s.next(follows)); got != 2*viewerBytes {
		t.Fatalf("got %d bytes", got)
	}
	s.cutOff() // its time is over
	<-written
	for range 100 {
		s.write(make([]byte, viewerBytes))
		if got := len(s.next(follows)); got != viewerBytes {
			t.Fatalf("got %d bytes", got)
		}
	}
	if kept := cap(stalled.pending); kept != 0 {
		t.Errorf("%d bytes are kept for a viewer that will not have them", kept)
	}
	if s.next(stalled) != nil {
		t.Error("a viewer that was cut off got something")
	}
}
