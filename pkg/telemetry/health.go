package telemetry

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
)

// Health knows whether the server should be sent requests. The zero Health is ready. It is safe for concurrent use.
type Health struct {
	draining atomic.Bool

	mu     sync.Mutex
	checks []check // guarded by mu
}

type check struct {
	name string
	run  func() error
}

// Add makes every later report ask run, which must be quick and safe for concurrent use.
func (h *Health) Add(name string, run func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check{name, run})
}

// Drain makes every later report say that the server is going away. There is no way back.
func (h *Health) Drain() { h.draining.Store(true) }

// Report says whether the server is ready, and why not: a line for each fault, without a newline at the end.
// Verbose has a line for each check instead, in the form that Kubernetes' own components use.
func (h *Health) Report(verbose bool) (ready bool, report string) {
	h.mu.Lock()
	checks := h.checks[:len(h.checks):len(h.checks)] // run outside the lock: a slow check holds up no other report
	h.mu.Unlock()

	ready = true
	var lines []string
	note := func(name string, fault error) {
		ready = ready && fault == nil
		switch {
		case verbose && fault == nil:
			lines = append(lines, "[+]"+name+" ok")
		case verbose:
			lines = append(lines, "[-]"+name+" failed: "+fault.Error())
		case fault != nil:
			lines = append(lines, name+": "+fault.Error())
		}
	}
	note("shutdown", h.drained())
	for _, c := range checks {
		note(c.name, c.run())
	}
	return ready, strings.Join(lines, "\n")
}

func (h *Health) drained() error {
	if h.draining.Load() {
		return errors.New("the server is draining")
	}
	return nil
}
