package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHolm(t *testing.T) {
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, Holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-12)
	assert.InDeltaSlice(t, []float64{1, 1}, Holm([]float64{0.7, 0.6}), 1e-12)
	assert.InDeltaSlice(t, []float64{0.02, 0.02}, Holm([]float64{0.01, 0.01}), 1e-12)
	assert.Equal(t, []float64{0.3}, Holm([]float64{0.3}))
	assert.Empty(t, Holm(nil))
}

// Six engines against a base where all are equal: without the adjustment nearly every sixth lab would cry wolf.
func TestManyComparisonsRaiseNoMoreFalseAlarmsThanOne(t *testing.T) {
	const runs, engines = 1500, 6
	r := rand.New(rand.NewPCG(15, 16))
	rule := Rule{Alpha: 0.05, Floor: 1}
	raw, alarms := 0, 0
	for range runs {
		base := sample(12, func() float64 { return math.Exp(0.02 * r.NormFloat64()) })
		cs, p := make([]Comparison, engines), make([]float64, engines)
		for i := range engines {
			var err error
			cs[i], err = Paired(sample(12, func() float64 { return math.Exp(0.02 * r.NormFloat64()) }), base, 0.95)
			require.NoError(t, err)
			p[i] = cs[i].P
		}
		anyAlarm := func(p []float64) int {
			for i, c := range cs {
				if rule.Judge(c, p[i]) != Undecided {
					return 1
				}
			}
			return 0
		}
		raw += anyAlarm(p)
		alarms += anyAlarm(Holm(p))
	}
	assert.LessOrEqual(t, float64(alarms)/runs, 0.05+4*math.Sqrt(0.05*0.95/runs))
	assert.Greater(t, float64(raw)/runs, 0.1)
}

func TestMinRoundsAreJustEnough(t *testing.T) {
	for _, comparisons := range []int{1, 6, 25, 26, 78, 500} {
		unanimous := func(rounds int) float64 {
			a, b := make([]float64, rounds), make([]float64, rounds)
			for i := range rounds {
				a[i], b[i] = float64(i+2), 1
			}
			c, err := Paired(a, b, 0.95)
			require.NoError(t, err)
			p := make([]float64, comparisons)
			for i := range p {
				p[i] = c.P
			}
			return Holm(p)[0]
		}
		n := MinRounds(comparisons, 0.05)
		assert.Less(t, unanimous(n), 0.05, "%d comparisons", comparisons)
		assert.GreaterOrEqual(t, unanimous(n-1), 0.05, "%d comparisons", comparisons)
	}
	assert.Equal(t, 1, MinRounds(0, 0))
}

func TestNoiseFloorIsTheFarEndOfTheInterval(t *testing.T) {
	side := func(low, value, high float64) Comparison {
		return Comparison{Ratio: Estimate{Value: value, Low: low, High: high, Level: 0.95}}
	}
	assert.InDelta(t, 1.06, NoiseFloor(side(0.98, 1.01, 1.06)), 1e-12)
	assert.InDelta(t, 1/0.9, NoiseFloor(side(0.9, 0.92, 0.95)), 1e-12, "an interval that misses 1 counts whole")
	assert.InDelta(t, 1.2, NoiseFloor(side(0.99, 1, 1.01), side(0.99, 1.1, 1.2)), 1e-12)
	assert.Equal(t, 1.0, NoiseFloor())
}

func TestJudge(t *testing.T) {
	rule := Rule{Alpha: 0.05, Floor: 1.05}
	for _, tt := range []struct {
		low, high, level, p float64
		want                Verdict
	}{
		{1.08, 1.12, 0.95, 0.01, Higher},
		{0.80, 0.90, 0.96, 0.01, Lower},
		{1.08, 1.12, 0.95, 0.05, Undecided},       // may be chance
		{1.04, 1.12, 0.95, 0.01, Undecided},       // may be the bench
		{0.90, 1 / 1.04, 0.95, 0.01, Undecided},   // may be the bench
		{1.08, 1.12, 0.90, 0.01, Undecided},       // the interval is not sure enough
		{1.08, 1.12, 0.95, math.NaN(), Undecided}, // no p-value
	} {
		c := Comparison{Ratio: Estimate{Value: math.Sqrt(tt.low * tt.high), Low: tt.low, High: tt.high, Level: tt.level}}
		assert.Equal(t, tt.want, rule.Judge(c, tt.p), "%+v", tt)
	}
	c := Comparison{Ratio: Estimate{Value: 1, Low: 0.9, High: 1.1, Level: 0.95}}
	assert.Equal(t, Undecided, Rule{Alpha: 0.05}.Judge(c, 0.01), "without a floor the interval must still miss 1")
	assert.Equal(t, "higher, lower, no difference shown", Higher.String()+", "+Lower.String()+", "+Undecided.String())
}
