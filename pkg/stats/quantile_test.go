package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	x := []float64{40, 10, 30, 20}
	for q, want := range map[float64]float64{0: 10, 0.25: 17.5, 0.5: 25, 0.9: 37, 1: 40} {
		assert.InDelta(t, want, Quantile(x, q), 1e-12, "q = %g", q)
	}
	assert.Equal(t, []float64{40, 10, 30, 20}, x, "not sorted in place")
	assert.Equal(t, 7.0, Quantile([]float64{7}, 0.99))
	assert.Equal(t, math.Inf(1), Quantile([]float64{1, 2, math.Inf(1)}, 1), "no 0·∞ beside the last")
	for _, q := range []float64{-0.1, 1.1, math.NaN()} {
		assert.True(t, math.IsNaN(Quantile(x, q)), "q = %g", q)
	}
	assert.True(t, math.IsNaN(Quantile(nil, 0.5)))
}

// The ranks of the order statistics that bound the median at 95%, from the binomial table
// (Conover, Practical Nonparametric Statistics, table A3): for 10 observations the 2nd and 9th, and so on.
func TestMedianAndItsInterval(t *testing.T) {
	for _, tt := range []struct {
		n, low int
		level  float64
	}{{1, 1, 0}, {5, 1, 0.9375}, {6, 1, 0.96875}, {9, 2, 0.9609375}, {10, 2, 0.978515625}, {15, 4, 0.96484375}, {20, 6, 0.958610}, {100, 40, 0.964800}} {
		x := make([]float64, tt.n)
		for i, v := range rand.New(rand.NewPCG(1, 1)).Perm(tt.n) {
			x[i] = float64(v + 1)
		}
		e, err := Median(x, 0.95)
		require.NoError(t, err)
		assert.Equal(t, float64(tt.n+1)/2, e.Value)
		assert.Equal(t, float64(tt.low), e.Low, "n = %d", tt.n)
		assert.Equal(t, float64(tt.n+1-tt.low), e.High, "n = %d", tt.n)
		assert.InDelta(t, tt.level, e.Level, 1e-5, "n = %d", tt.n)
	}
	_, err := Median(nil, 0.95)
	assert.ErrorContains(t, err, "no observations")
}

func TestMedianIntervalCoversTheTruth(t *testing.T) {
	const runs = 4000
	r := rand.New(rand.NewPCG(13, 14))
	covered, level := 0, 0.0
	for range runs {
		e, err := Median(sample(11, r.ExpFloat64), 0.95)
		require.NoError(t, err)
		if e.Low <= math.Ln2 && math.Ln2 <= e.High {
			covered++
		}
		level = e.Level
	}
	assert.InDelta(t, level, float64(covered)/runs, 4*math.Sqrt(level*(1-level)/runs))
}
