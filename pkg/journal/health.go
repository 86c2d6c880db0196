package journal

import (
	"sync/atomic"

	"metricstream/pkg/metric"
)

// health says whether Appends are let in, and if not, why not. Once closed, it stays closed.
// The error of a failure is made once, so that refusing the requests of a long failure costs no allocation.
type health struct{ p atomic.Pointer[error] }

// refusal returns nil when Appends are let in.
func (h *health) refusal() error {
	if p := h.p.Load(); p != nil {
		return *p
	}
	return nil
}

// fail and heal are for the owner of the store alone: only close can come between.

func (h *health) fail(err error) { h.change(&err) }

func (h *health) heal() { h.change(nil) }

func (h *health) change(to *error) {
	if p := h.p.Load(); p == nil || *p != metric.ErrClosed {
		h.p.CompareAndSwap(p, to)
	}
}

func (h *health) close() {
	err := metric.ErrClosed
	h.p.Store(&err)
}
