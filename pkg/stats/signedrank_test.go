package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// enumerate is the oracle: the two-sided p-value over all 2^n ways to give the differences their signs.
// Its ranks are counted, not sorted: 1 + how many are smaller + half of how many others are as large.
func enumerate(d []float64) float64 {
	ranks := make([]float64, len(d))
	observed, total := 0.0, 0.0
	for i, x := range d {
		if x == 0 {
			continue
		}
		ranks[i] = 0.5
		for _, y := range d {
			if math.Abs(y) < math.Abs(x) {
				ranks[i]++
			} else if math.Abs(y) == math.Abs(x) {
				ranks[i] += 0.5
			}
		}
		total += ranks[i]
		if x > 0 {
			observed += ranks[i]
		}
	}
	extreme := 0
	for signs := range 1 << len(d) {
		sum := 0.0
		for i, r := range ranks {
			if signs>>i&1 == 1 {
				sum += r
			}
		}
		if math.Abs(sum-total/2) >= math.Abs(observed-total/2) {
			extreme++
		}
	}
	return float64(extreme) / float64(int(1)<<len(d))
}

func TestPEqualsEnumerationOfAllSigns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 12; n++ {
		for range 30 {
			free, coarse := make([]float64, n), make([]float64, n)
			for i := range n {
				free[i] = r.NormFloat64() + 0.5
				coarse[i] = float64(r.IntN(7) - 2) // full of ties and zeros
			}
			for _, d := range [][]float64{free, coarse} {
				p, exact := rank(d).p()
				require.True(t, exact)
				require.InDelta(t, enumerate(d), p, 1e-12, "%v", d)
			}
		}
	}
}

// Critical values at 5%, two-sided, as in the tables of Wilcoxon and Wilcox, Some Rapid Approximate Statistical
// Procedures, 1964: the largest sum of the rarer sign's ranks that is significant.
func TestCriticalValuesOfThePublishedTable(t *testing.T) {
	for n, critical := range map[int]int{6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89, 30: 137} {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = 2 * (i + 1)
		}
		null := newNull(ranks)
		assert.LessOrEqual(t, 2*null.atMost(2*critical), 0.05, "n = %d", n)
		assert.Greater(t, 2*null.atMost(2*(critical+1)), 0.05, "n = %d", n)
	}
}

// At the border between the two, where nothing but the method changes, they agree.
func TestTheApproximationMeetsTheExactDistribution(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		ranks := rank(sample(exactMax, func() float64 { return float64(r.IntN(40) - 19) })).ranks
		exact := newNull(ranks)
		approximate := null{mean: exact.mean, sd: exact.sd}
		for w := range exact.cdf {
			require.InDelta(t, exact.atMost(w), approximate.atMost(w), 0.01, "w = %d", w)
		}
	}
	many := rank(sample(exactMax+1, r.NormFloat64))
	p, exact := many.p()
	assert.False(t, exact)
	assert.Greater(t, p, 0.0)
	assert.LessOrEqual(t, p, 1.0)
}

func TestEffectIsTheBalanceOfRanks(t *testing.T) {
	assert.Equal(t, 1.0, rank([]float64{1, 2, 3}).effect())
	assert.Equal(t, -1.0, rank([]float64{-1, -2, -3}).effect())
	assert.InDelta(t, 4.0/6, rank([]float64{-1, 2, 3}).effect(), 1e-15)
	assert.Zero(t, rank([]float64{0, 0}).effect())
	p, _ := rank([]float64{0, 0}).p()
	assert.Equal(t, 1.0, p, "nothing but ties shows nothing")
}

func sample(n int, draw func() float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = draw()
	}
	return x
}
