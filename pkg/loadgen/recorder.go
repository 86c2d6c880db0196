package loadgen

import (
	"sync"
	"time"
)

// recorder gathers what the connections measure. A histogram is large, so connections share a few shards:
// one per processor is enough to make waiting for its lock rare.
type recorder struct {
	open   bool
	shards []shard

	// Used by the goroutine that collects alone.
	spare, interval, total *Result
}

type shard struct {
	mu  sync.Mutex
	now *Result  // guarded by mu
	_   [48]byte // keeps the next shard's lock off this cache line
}

func newRecorder(open bool, shards int) *recorder {
	r := &recorder{open: open, shards: make([]shard, shards), spare: newResult(), interval: newResult(), total: newResult()}
	for i := range r.shards {
		r.shards[i].now = newResult()
	}
	return r
}

// outcome is how one request ended.
type outcome struct {
	status  int // 0: it failed
	cause   Cause
	err     error
	sent    bool
	metrics int
	latency time.Duration
	lag     time.Duration // negative: the model knows none
	in, out uint64        // bytes
}

func (s *shard) add(o *outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.now
	r.Intended++
	if o.sent {
		r.Sent++
	}
	r.BytesIn += o.in
	r.BytesOut += o.out
	if o.lag >= 0 {
		record(r.SendLag, o.lag)
	}
	if o.status != 0 {
		r.Status[o.status]++
	} else {
		r.Failed[o.cause]++
		if _, known := r.Errors[o.cause]; !known {
			r.Errors[o.cause] = o.err.Error()
		}
	}
	if succeeded(o.status) {
		r.Metrics += uint64(o.metrics)
		record(r.Latency, o.latency)
	} else {
		record(r.FailureLatency, o.latency)
	}
}

// collect moves what was recorded since the last call, and the unsent, into the total and, until the next call,
// into the interval.
func (r *recorder) collect(elapsed, cpu time.Duration, unsent uint64, procs int) {
	r.interval.reset()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.now, r.spare = r.spare, s.now
		s.mu.Unlock()
		r.interval.Merge(r.spare)
		r.spare.reset()
	}
	r.interval.Open = r.open
	r.interval.Intended += unsent
	r.interval.Unsent = unsent
	r.interval.Elapsed, r.interval.CPU, r.interval.Procs = elapsed, cpu, procs
	r.total.Merge(r.interval)
}
