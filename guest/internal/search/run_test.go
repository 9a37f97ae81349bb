package search

import (
	"context"
	"testing"
	"time"
)

// The walk may be anywhere when the context ends: here it is about to hand over what it has found.
func TestASearchThatIsAbortedEnds(t *testing.T) {
	path := grow(t, "f", "x\n") + "/f"
	pattern, err := newPattern("x", true, false)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 200 {
			ctx, abort := context.WithCancel(t.Context())
			r := &run{ctx: ctx, pattern: pattern, limit: 1000}
			_ = r.over(2, func(each func(path string) error) error {
				for i := range 100 {
					if i == 20 {
						abort()
					}
					if err := each(path); err != nil {
						return err
					}
				}
				return nil
			}, func([]piece) bool { return true })
			abort()
		}
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it waits for what nobody works on")
	}
}
