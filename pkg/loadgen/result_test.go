package loadgen

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMergeAndReset(t *testing.T) {
	make1 := func() *Result {
		r := newResult()
		*r = Result{Open: true, Intended: 10, Sent: 8, Status: map[int]uint64{202: 5, 503: 1, 299: 1}, Failed: map[Cause]uint64{Reset: 1}, Unsent: 2,
			Errors: map[Cause]string{Reset: "first"}, Metrics: 60, BytesOut: 100, BytesIn: 200, Elapsed: 2 * time.Second, CPU: time.Second, Procs: 2,
			Latency: r.Latency, FailureLatency: r.FailureLatency, SendLag: r.SendLag}
		record(r.Latency, time.Millisecond)
		record(r.FailureLatency, time.Second)
		record(r.SendLag, time.Microsecond)
		return r
	}
	r, o := make1(), make1()
	o.Status, o.Failed = map[int]uint64{202: 1, 429: 4}, map[Cause]uint64{Closed: 3}
	o.Errors = map[Cause]string{Reset: "second", Closed: "eof"}
	r.Merge(o)
	assert.EqualValues(t, 20, r.Intended)
	assert.EqualValues(t, 16, r.Sent)
	assert.Equal(t, map[int]uint64{202: 6, 299: 1, 429: 4, 503: 1}, r.Status)
	assert.Equal(t, map[Cause]uint64{Reset: 1, Closed: 3}, r.Failed)
	assert.Equal(t, map[Cause]string{Reset: "first", Closed: "eof"}, r.Errors)
	assert.EqualValues(t, 12, r.Answered())
	assert.EqualValues(t, 7, r.Succeeded())
	assert.EqualValues(t, 4, r.Unanswered())
	assert.EqualValues(t, 4, r.Unsent)
	assert.EqualValues(t, 120, r.Metrics)
	assert.EqualValues(t, 200, r.BytesOut)
	assert.EqualValues(t, 400, r.BytesIn)
	assert.Equal(t, 4*time.Second, r.Elapsed)
	assert.Equal(t, 2*time.Second, r.CPU)
	assert.Equal(t, 2, r.Procs)
	assert.InDelta(t, 3, r.RequestRate(), 1e-9)
	assert.InDelta(t, 30, r.MetricRate(), 1e-9)
	assert.InDelta(t, 0.35, r.SuccessRate(), 1e-9)
	assert.EqualValues(t, 2, r.Latency.TotalCount())
	assert.EqualValues(t, 2, r.FailureLatency.TotalCount())
	assert.EqualValues(t, 2, r.SendLag.TotalCount())
	r.reset()
	assert.Equal(t, newResult(), r)
	assert.Zero(t, r.SuccessRate())
	assert.Zero(t, r.RequestRate())
	assert.Empty(t, r.Bottleneck())
}

func TestRecordedTimesAreBounded(t *testing.T) {
	r := newResult()
	for _, d := range []time.Duration{-time.Second, 0, time.Microsecond, maxLatency, time.Hour} {
		record(r.Latency, d)
	}
	assert.EqualValues(t, 5, r.Latency.TotalCount(), "none is dropped")
	assert.InEpsilon(t, maxLatency, r.Latency.Max(), 0.001)
	record(r.SendLag, 123_456*time.Microsecond)
	assert.InEpsilon(t, 123_456*time.Microsecond, r.SendLag.Max(), 0.001, "three digits")
}

func TestBottleneckRules(t *testing.T) {
	for _, tt := range []struct {
		cpu, lag, latency time.Duration
		want              string
	}{
		{time.Second, 50 * time.Microsecond, time.Millisecond, ""},
		{1800 * time.Millisecond, 0, time.Millisecond, "used 90% of the 2 processors"},
		{1790 * time.Millisecond, 0, time.Millisecond, ""},
		{0, 5 * time.Millisecond, 20 * time.Millisecond, "late (p99)"},
		{0, 5 * time.Millisecond, 100 * time.Millisecond, ""}, // a twentieth of what the server took
		{0, 900 * time.Microsecond, time.Millisecond, ""},
		{0, 5 * time.Millisecond, 0, "late (p99)"}, // nothing succeeded
	} {
		r := newResult()
		r.Elapsed, r.Procs, r.CPU = time.Second, 2, tt.cpu
		for range 100 {
			record(r.SendLag, tt.lag)
			if tt.latency > 0 {
				record(r.Latency, tt.latency)
			}
		}
		if tt.want == "" {
			assert.Empty(t, r.Bottleneck(), "%+v", tt)
		} else {
			assert.Contains(t, r.Bottleneck(), tt.want, "%+v", tt)
		}
	}
}

func TestReadProcess(t *testing.T) {
	before, err := ReadProcess(os.Getpid())
	require.NoError(t, err)
	touched := make([]byte, 64<<20)
	own := cpuTime()
	for deadline := time.Now().Add(20 * time.Second); cpuTime()-own < 200*time.Millisecond && time.Now().Before(deadline); {
		for i := 0; i < len(touched); i += 4096 {
			touched[i]++
		}
	}
	own = cpuTime() - own
	after, err := ReadProcess(os.Getpid())
	require.NoError(t, err)
	assert.InDelta(t, own.Seconds(), (after.CPU() - before.CPU()).Seconds(), 0.1, "/proc and getrusage agree")
	assert.GreaterOrEqual(t, after.User, before.User)
	assert.GreaterOrEqual(t, after.System, before.System)
	assert.Greater(t, after.PeakResident, uint64(64<<20))
	assert.GreaterOrEqual(t, after.PeakResident, after.Resident)
	assert.Equal(t, byte(0), touched[1])

	_, err = ReadProcess(1 << 30)
	assert.ErrorContains(t, err, "cannot read process 1073741824: ")
}
