package ratelimit

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLastMinute(t *testing.T) {
	l := newLimiter(t, Config{Limit: 3, Window: time.Second, Capacity: 1})
	// In second s of 200: s%5 requests of a client in the table, and one that shares.
	var want [200]Counts
	for s := range want {
		at := time.Duration(s)*time.Second + 100*time.Millisecond
		for i := range s % 5 {
			if _, ok := allow(l, "known", at); ok {
				want[s].Allowed++
			} else {
				want[s].Limited++
			}
			assert.Equal(t, i < 3, want[s].Limited == 0)
		}
		if s%5 > 0 { // without a known client, the newcomer would have room
			_, ok := allow(l, "newcomer", at)
			require.True(t, ok)
			want[s].Allowed++
			want[s].Shared++
		}
		if s >= 60 {
			minute := l.LastMinute(l.start.Add(at))
			require.Equal(t, want[s-59:s+1], minute[:], "at second %d", s)
		} else {
			minute := l.LastMinute(l.start.Add(at))
			require.Equal(t, want[:s+1], minute[59-s:], "at second %d", s)
			require.Equal(t, make([]Counts, 59-s), minute[:59-s], "before the start")
		}
	}
	var total Counts
	for _, c := range want {
		total.Allowed += c.Allowed
		total.Limited += c.Limited
		total.Shared += c.Shared
	}
	assert.Equal(t, total, l.Totals())
	later := l.LastMinute(l.start.Add(260 * time.Second))
	assert.Equal(t, [60]Counts{}, later, "a slot of the ring that was not used since must not show")
}

func TestTallyLosesNothing(t *testing.T) {
	var ring [4]tally
	var wg sync.WaitGroup
	const goroutines, rounds = 4, 10_000
	for range goroutines {
		wg.Go(func() {
			for i := range uint32(rounds) {
				ring[0].add(i / 5000) // the slot passes from second 0 to 1
				ring[1].add(1)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, uint64(goroutines*rounds), ring[1].of(1))
	assert.Zero(t, ring[1].of(2))
	assert.GreaterOrEqual(t, ring[0].of(1), uint64(goroutines*rounds/2))
	ring[0].add(0)
	assert.Greater(t, ring[0].of(1), uint64(goroutines*rounds/2), "what comes a ring's length late is counted with the present")
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	l, err := New(Config{Limit: 2, Window: time.Hour, Capacity: 2}, reg)
	require.NoError(t, err)
	for range 3 {
		l.Allow([]byte("a"), time.Now())
	}
	for _, name := range []string{"b", "c", "d", "e"} {
		l.Allow([]byte(name), time.Now())
	}
	families, err := reg.Gather()
	require.NoError(t, err)
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += fmt.Sprintf("{%s=%q}", label.GetName(), label.GetValue())
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	assert.Equal(t, 5.0, got[`metricstream_ratelimit_decisions_total{decision="allowed"}`])
	assert.Equal(t, 2.0, got[`metricstream_ratelimit_decisions_total{decision="limited"}`])
	assert.Equal(t, 3.0, got["metricstream_ratelimit_shared_total"])
	assert.Equal(t, 2.0, got["metricstream_ratelimit_clients"])
	// The seven requests may have fallen into several seconds.
	assert.Contains(t, []float64{1, 2, 3, 4, 5}, got[`metricstream_ratelimit_peak_decisions{decision="allowed"}`])
	assert.Contains(t, []float64{1, 2}, got[`metricstream_ratelimit_peak_decisions{decision="limited"}`])
	assert.Len(t, got, 6)

	_, err = New(Config{Limit: 1, Window: 1}, reg)
	assert.ErrorContains(t, err, "cannot register the limiter's metrics: ")
}
