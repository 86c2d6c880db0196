//go:build !linux

package loadgen

import (
	"context"
	"time"
)

// sleeper lets one goroutine wait until the time of its next request, as exactly as the runtime's timers are.
type sleeper struct {
	done  <-chan struct{}
	timer *time.Timer
}

func newSleeper(ctx context.Context) (*sleeper, error) {
	return &sleeper{done: ctx.Done(), timer: time.NewTimer(0)}, nil
}

func (s *sleeper) sleep(d time.Duration) bool {
	s.timer.Reset(d)
	select {
	case <-s.timer.C:
		return true
	case <-s.done:
		return false
	}
}

func (s *sleeper) close() { s.timer.Stop() }
