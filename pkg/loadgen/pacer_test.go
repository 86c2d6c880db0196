package loadgen

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConstantDoesNotDrift(t *testing.T) {
	for _, rate := range []float64{0.1, 1, 3, 7, 999.9, 30_000, 1e6} {
		p := constant(t, rate)
		const n = 1_000_000
		last := time.Duration(-1)
		for k := range n {
			at := p.Next()
			if off := math.Abs(float64(at) - float64(k)*1e9/rate); off > 1+float64(at)*1e-12 || at < last {
				require.Fail(t, "drift", "arrival %d at %v/s is at %v, %v ns off; the one before at %v", k, rate, at, off, last)
			}
			last = at
		}
	}
}

// For the gaps of a Poisson process, mean and standard deviation are both 1/rate, gaps are not correlated,
// and the number of arrivals in a window has its mean as variance.
func TestPoissonHasItsStatistics(t *testing.T) {
	const rate, n = 2000.0, 400_000
	for seed := range uint64(3) {
		p := poisson(t, rate, seed)
		windows := map[time.Duration]float64{}
		var last time.Duration
		var sum, squares, products, before float64
		for range n {
			at := p.Next()
			gap := (at - last).Seconds() * rate
			if gap < 0 {
				require.Fail(t, "time went back", "%v after %v", at, last)
			}
			sum += gap
			squares += gap * gap
			products += (gap - 1) * (before - 1)
			before, last = gap, at
			windows[at/(10*time.Millisecond)]++
		}
		mean := sum / n
		assert.InDelta(t, 1, mean, 0.01, "mean gap, seed %d", seed) // 6 standard errors
		assert.InDelta(t, 1, math.Sqrt(squares/n-mean*mean), 0.02, "standard deviation of gaps, seed %d", seed)
		assert.InDelta(t, 0, products/n, 0.01, "correlation of neighbours, seed %d", seed)
		delete(windows, last/(10*time.Millisecond)) // the last is not whole
		full := float64(last / (10 * time.Millisecond))
		var total, deviations float64
		for _, count := range windows {
			total += count
		}
		mean = total / full
		for _, count := range windows {
			deviations += (count - mean) * (count - mean)
		}
		assert.InDelta(t, 20, mean, 0.3)
		assert.InDelta(t, 1, deviations/full/mean, 0.1, "index of dispersion, seed %d", seed)
	}
}

func TestPoissonFollowsItsSeed(t *testing.T) {
	a, b, other := poisson(t, 100, 7), poisson(t, 100, 7), poisson(t, 100, 8)
	same := 0
	for range 100 {
		at := a.Next()
		assert.Equal(t, at, b.Next())
		if at == other.Next() {
			same++
		}
	}
	assert.Zero(t, same, "arrivals shared by two seeds")
}

func TestRatesThatCannotBePaced(t *testing.T) {
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-9} {
		_, err := NewConstant(rate)
		assert.ErrorContains(t, err, "requests per second", "constant at %v", rate)
		_, err = NewPoisson(rate, 1)
		assert.ErrorContains(t, err, "requests per second", "poisson at %v", rate)
	}
}

func TestScheduleCountsWhatWasDueAndNotSent(t *testing.T) {
	s := schedule{warmUp: 100 * time.Millisecond, end: time.Second, pacer: constant(t, 100)}
	for k := range 50 {
		got, due, ok := s.next()
		require.True(t, ok)
		assert.Equal(t, k, got)
		assert.Equal(t, time.Duration(k)*10*time.Millisecond, due)
	}
	s.handBack(50 * time.Millisecond)  // of the warm-up
	s.handBack(400 * time.Millisecond) // due
	s.handBack(900 * time.Millisecond) // beyond the cut
	assert.EqualValues(t, 1+11, s.unsent(600*time.Millisecond), "one handed back, and 500 to 600 ms")

	s = schedule{limit: 3, end: time.Hour, warmUp: 15 * time.Millisecond, pacer: constant(t, 100)}
	n := 0
	for _, _, ok := s.next(); ok; _, _, ok = s.next() {
		n++
	}
	assert.Equal(t, 5, n, "two of the warm-up and three")
}
