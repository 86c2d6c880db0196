package loadgen

import (
	"fmt"
	"maps"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run, or an interval of one, measured. Intended is always the sum of Status, Failed and Unsent.
type Result struct {
	Open     bool             // by the open model
	Intended uint64           // requests that were to be sent
	Sent     uint64           // of those, the ones that went out at least in part
	Status   map[int]uint64   // requests answered, by status code
	Failed   map[Cause]uint64 // requests that got no answer
	Unsent   uint64           // requests that were due and could not be sent before the run ended
	Errors   map[Cause]string // one example of each cause
	Metrics  uint64           // in requests answered 2xx
	BytesOut uint64
	BytesIn  uint64

	Elapsed time.Duration // from the end of the warm-up to the last answer; in the open model not less than the Duration
	CPU     time.Duration // user and system time of this process meanwhile
	Procs   int           // processors that this process might use: GOMAXPROCS

	// In nanoseconds, from 1 µs to 60 s; what is beyond is recorded as 60 s.
	Latency        *hdrhistogram.Histogram // of 2xx answers, from the intended send time (closed model: the actual one)
	FailureLatency *hdrhistogram.Histogram // of other answers and of failures; unsent requests have none
	SendLag        *hdrhistogram.Histogram // from when a request was due and its connection free to the actual send
}

const maxLatency = 60 * time.Second

func newResult() *Result {
	histogram := func() *hdrhistogram.Histogram { return hdrhistogram.New(int64(time.Microsecond), int64(maxLatency), 3) }
	return &Result{
		Status: map[int]uint64{}, Failed: map[Cause]uint64{}, Errors: map[Cause]string{},
		Latency: histogram(), FailureLatency: histogram(), SendLag: histogram(),
	}
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(int64(min(max(d, 0), maxLatency))) // within range: it cannot fail
}

// Merge adds o to r as if the two runs had followed each other: their times add up.
func (r *Result) Merge(o *Result) {
	r.Open = r.Open || o.Open
	r.Intended += o.Intended
	r.Sent += o.Sent
	for status, n := range o.Status {
		r.Status[status] += n
	}
	for cause, n := range o.Failed {
		r.Failed[cause] += n
	}
	r.Unsent += o.Unsent
	for cause, example := range o.Errors {
		if _, known := r.Errors[cause]; !known {
			r.Errors[cause] = example
		}
	}
	r.Metrics += o.Metrics
	r.BytesOut += o.BytesOut
	r.BytesIn += o.BytesIn
	r.Elapsed += o.Elapsed
	r.CPU += o.CPU
	r.Procs = max(r.Procs, o.Procs)
	r.Latency.Merge(o.Latency)
	r.FailureLatency.Merge(o.FailureLatency)
	r.SendLag.Merge(o.SendLag)
}

// reset empties r and keeps its memory.
func (r *Result) reset() {
	clear(r.Status)
	clear(r.Failed)
	clear(r.Errors)
	r.Latency.Reset()
	r.FailureLatency.Reset()
	r.SendLag.Reset()
	*r = Result{
		Status: r.Status, Failed: r.Failed, Errors: r.Errors,
		Latency: r.Latency, FailureLatency: r.FailureLatency, SendLag: r.SendLag,
	}
}

func sum[K comparable](counts map[K]uint64) (n uint64) {
	for c := range maps.Values(counts) {
		n += c
	}
	return n
}

// Answered returns how many requests were answered, whatever the status.
func (r *Result) Answered() uint64 { return sum(r.Status) }

// Unanswered returns how many requests got no answer, the unsent not among them.
func (r *Result) Unanswered() uint64 { return sum(r.Failed) }

// Succeeded returns how many requests were answered 2xx.
func (r *Result) Succeeded() (n uint64) {
	for status, count := range r.Status {
		if succeeded(status) {
			n += count
		}
	}
	return n
}

func succeeded(status int) bool { return status/100 == 2 }

// SuccessRate returns the share of intended requests that succeeded, from 0 to 1; with none intended it is 0.
func (r *Result) SuccessRate() float64 {
	if r.Intended == 0 {
		return 0
	}
	return float64(r.Succeeded()) / float64(r.Intended)
}

// RequestRate returns the answers per second, whatever their status.
func (r *Result) RequestRate() float64 { return r.perSecond(r.Answered()) }

// MetricRate returns the acknowledged metrics per second.
func (r *Result) MetricRate() float64 { return r.perSecond(r.Metrics) }

func (r *Result) perSecond(n uint64) float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(n) / r.Elapsed.Seconds()
}

// Bottleneck says by which rule the generator, and not the server, bounded what was measured; it is empty when
// neither applies:
//   - it used 90% or more of the processors that it might use;
//   - at the 99th percentile its send lag was over a millisecond and over a tenth of the latency.
func (r *Result) Bottleneck() string {
	if might := time.Duration(r.Procs) * r.Elapsed; might > 0 && r.CPU >= might/10*9 {
		return fmt.Sprintf("the generator used %.0f%% of the %d processors that it might use", 100*float64(r.CPU)/float64(might), r.Procs)
	}
	lag, latency := time.Duration(r.SendLag.ValueAtPercentile(99)), time.Duration(r.Latency.ValueAtPercentile(99))
	if lag > time.Millisecond && lag > latency/10 {
		return fmt.Sprintf("requests left up to %v late (p99) though a connection was free; their latency was %v (p99)", lag, latency)
	}
	return ""
}
