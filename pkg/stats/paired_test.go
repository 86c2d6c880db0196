package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The depression scores of nine patients before and after a therapy: example 3.1 of Hollander and Wolfe,
// and the example of R's wilcox.test (V = 40, one-sided p = 0.01953).
func TestPublishedExample(t *testing.T) {
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	a, b := make([]float64, 9), make([]float64, 9)
	for i := range before {
		a[i], b[i] = math.Exp(before[i]), math.Exp(after[i])
	}
	c, err := Paired(a, b, 0.95)
	require.NoError(t, err)
	assert.Equal(t, 9, c.Rounds)
	assert.True(t, c.Exact)
	assert.InDelta(t, 2*0.01953125, c.P, 1e-12)
	assert.InDelta(t, (40.0-5)/45, c.Effect, 1e-12)
	assert.InDelta(t, 0.46, math.Log(c.Ratio.Value), 1e-9)
	assert.InDelta(t, 0.010, math.Log(c.Ratio.Low), 1e-9)
	assert.InDelta(t, 0.786, math.Log(c.Ratio.High), 1e-9)
	assert.InDelta(t, 0.9609375, c.Ratio.Level, 1e-12)
}

func TestSwappingTheSidesTurnsTheComparisonRound(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 1; n <= 70; n += 3 {
		a := sample(n, func() float64 { return 1 + float64(r.IntN(20)) })
		b := sample(n, func() float64 { return 2 + float64(r.IntN(20)) })
		there, err := Paired(a, b, 0.9)
		require.NoError(t, err)
		back, err := Paired(b, a, 0.9)
		require.NoError(t, err)
		require.InDelta(t, there.P, back.P, 1e-12)
		require.InDelta(t, there.Effect, -back.Effect, 1e-12)
		require.InDelta(t, 1, there.Ratio.Value*back.Ratio.Value, 1e-12)
		require.InDelta(t, 1, there.Ratio.Low*back.Ratio.High, 1e-12)
		require.LessOrEqual(t, there.Ratio.Low, there.Ratio.Value)
		require.LessOrEqual(t, there.Ratio.Value, there.Ratio.High)
		require.Equal(t, n <= exactMax, there.Exact)
	}
}

// The interval holds just those shifts that the test does not refuse: that is what it means.
func TestTheIntervalInvertsTheTest(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{6, 9, 14} {
		d := sample(n, r.NormFloat64)
		e := location(d, 0.95).Ratio
		shifted := func(by float64) float64 {
			moved := slices.Clone(d)
			for i := range moved {
				moved[i] -= by
			}
			return enumerate(moved)
		}
		const step = 1e-9
		assert.Greater(t, shifted(e.Low+step), 1-e.Level)
		assert.Greater(t, shifted(e.High-step), 1-e.Level)
		assert.LessOrEqual(t, shifted(e.Low-step), 1-e.Level+1e-12)
		assert.LessOrEqual(t, shifted(e.High+step), 1-e.Level+1e-12)
	}
}

func TestFewRoundsClaimNoMoreThanTheyAllow(t *testing.T) {
	for n, level := range map[int]float64{1: 0, 2: 0.5, 3: 0.75, 4: 0.875, 5: 0.9375, 6: 0.96875} {
		a, b := make([]float64, n), make([]float64, n)
		for i := range n {
			a[i], b[i] = float64(i+2), 1
		}
		c, err := Paired(a, b, 0.95)
		require.NoError(t, err)
		assert.InDelta(t, level, c.Ratio.Level, 1e-12)
		assert.InDelta(t, 2, c.Ratio.Low, 1e-12, "the whole range")
		assert.InDelta(t, float64(n+1), c.Ratio.High, 1e-12, "the whole range")
		assert.InDelta(t, 1-level, c.P, 1e-12)
	}
	for n := 6; n < 120; n++ {
		c := location(sample(n, rand.New(rand.NewPCG(uint64(n), 0)).NormFloat64), 0.95)
		require.GreaterOrEqual(t, c.Ratio.Level, 0.95)
		require.Less(t, c.Ratio.Level, 0.97, "no wider than the steps of the distribution make it")
	}
}

func TestIntervalsCoverTheTruthAsOftenAsTheySay(t *testing.T) {
	const runs, n = 4000, 10
	r := rand.New(rand.NewPCG(9, 10))
	noises := map[string]func() float64{
		"normal":       r.NormFloat64,
		"heavy-tailed": func() float64 { return r.NormFloat64() / (0.1 + math.Abs(r.NormFloat64())) },
		"rounded":      func() float64 { return math.Round(2*r.NormFloat64()) / 2 },
	}
	for name, noise := range noises {
		covered, claimed := 0, 0.0
		for range runs {
			e := location(sample(n, noise), 0.95).Ratio
			if e.Low <= 0 && 0 <= e.High {
				covered++
			}
			claimed = e.Level
		}
		share, sd := float64(covered)/runs, math.Sqrt(claimed*(1-claimed)/runs)
		assert.GreaterOrEqual(t, share, claimed-4*sd, name)
		if name != "rounded" { // ties only widen it
			assert.LessOrEqual(t, share, claimed+4*sd, name)
		}
	}
}

// rounds simulates a machine whose speed drifts by 30 to 70% from round to round,
// with 2% of noise between the sides of one round; a is slower by the factor.
func rounds(r *rand.Rand, n int, slowdown float64) (a, b []float64) {
	for range n {
		mood := 100 * (1 + 0.3 + 0.4*r.Float64())
		if r.IntN(2) == 0 {
			mood = 100
		}
		a = append(a, slowdown*mood*math.Exp(0.02*r.NormFloat64()))
		b = append(b, mood*math.Exp(0.02*r.NormFloat64()))
	}
	return a, b
}

func TestATenthIsFoundUnderDriftAndNothingWhereNothingIs(t *testing.T) {
	const runs = 2000
	r := rand.New(rand.NewPCG(11, 12))
	rule := Rule{Alpha: 0.05, Floor: 1}
	found, unpaired, alarms := 0, 0, 0
	for range runs {
		a, b := rounds(r, 10, 1.1)
		c, err := Paired(a, b, 0.95)
		require.NoError(t, err)
		if rule.Judge(c, c.P) == Higher {
			found++
		}
		shuffled := slices.Clone(b)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		c, err = Paired(a, shuffled, 0.95)
		require.NoError(t, err)
		if rule.Judge(c, c.P) == Higher {
			unpaired++
		}
		a, b = rounds(r, 10, 1)
		c, err = Paired(a, b, 0.95)
		require.NoError(t, err)
		if rule.Judge(c, c.P) != Undecided {
			alarms++
		}
	}
	assert.Greater(t, found, runs*98/100)
	assert.Less(t, unpaired, runs/2, "the rounds' pairing is what finds it")
	assert.LessOrEqual(t, float64(alarms)/runs, 0.05+4*math.Sqrt(0.05*0.95/runs))
	assert.Positive(t, alarms, "a test that never errs is no test at 5%")
}

func TestPairedRefusesWhatHasNoRatio(t *testing.T) {
	ok := []float64{1, 2}
	for _, tt := range []struct {
		a, b  []float64
		level float64
		want  string
	}{
		{ok, ok[:1], 0.95, "pair 2 measurements with 1"},
		{nil, nil, 0.95, "no observations"},
		{[]float64{1, 0}, ok, 0.95, "round 1"},
		{ok, []float64{-1, 1}, 0.95, "round 0"},
		{ok, []float64{1, math.NaN()}, 0.95, "index 1"},
		{[]float64{math.Inf(1), 1}, ok, 0.95, "index 0"},
		{ok, ok, 0, "level 0"},
		{ok, ok, 1, "level 1"},
		{ok, ok, math.NaN(), "level NaN"},
	} {
		_, err := Paired(tt.a, tt.b, tt.level)
		assert.ErrorContains(t, err, tt.want)
	}
}
