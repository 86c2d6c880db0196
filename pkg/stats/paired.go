// Package stats compares measurements that were taken in interleaved rounds on a noisy machine.
//
// When a machine's speed drifts by half between rounds, the spread within one side drowns a difference of a tenth
// between the sides. The two sides of one round share the machine's mood, so all that is said here comes from
// the ratio within each round; on the logarithmic scale twice as fast and half as fast are equally far from even.
// Nothing is assumed about the noise but that, were the sides equal, a round would lean to either side alike.
//
// For the methods see Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, chapter 3.
package stats

import (
	"fmt"
	"math"
	"slices"
)

// Estimate is a value with a confidence interval around it.
type Estimate struct {
	Value, Low, High float64
	// Level is the confidence that the interval really has. It is at least the one asked for,
	// unless the observations are too few for that: five rounds allow no more than 93.75%.
	Level float64
}

// Comparison says how a compares with b.
type Comparison struct {
	Rounds int
	Ratio  Estimate // a/b: Hodges–Lehmann estimate
	P      float64  // two-sided, Wilcoxon's signed-rank test
	Exact  bool     // P and the interval come from the exact distribution, not from the normal approximation
	Effect float64  // matched-pairs rank-biserial correlation: 1 when a is above b in every round, -1 when below
}

// Paired compares a[i] with b[i], which were measured in the same round. All of them are positive and finite,
// level is the wanted confidence of the interval (0.95, say). Time and memory grow with the square of the rounds.
//
// The interval inverts the test by means of the ordered Walsh averages. Under ties it is at least as wide as it has
// to be (Noether, Wilcoxon confidence intervals for location parameters in the discrete case, JASA 62, 1967).
func Paired(a, b []float64, level float64) (Comparison, error) {
	if len(a) != len(b) {
		return Comparison{}, fmt.Errorf("cannot pair %d measurements with %d", len(a), len(b))
	}
	if err := check(level, a, b); err != nil {
		return Comparison{}, err
	}
	logs := make([]float64, len(a))
	for i := range a {
		if a[i] <= 0 || b[i] <= 0 {
			return Comparison{}, fmt.Errorf("cannot take the ratio of %g to %g in round %d: both must be positive", a[i], b[i], i)
		}
		logs[i] = math.Log(a[i]) - math.Log(b[i]) // unlike log(a/b), exactly the negative when the sides are swapped
	}
	c := location(logs, level)
	c.Ratio.Value, c.Ratio.Low, c.Ratio.High = math.Exp(c.Ratio.Value), math.Exp(c.Ratio.Low), math.Exp(c.Ratio.High)
	return c, nil
}

// location tests whether the differences d lie around zero and estimates their centre.
func location(d []float64, level float64) Comparison {
	s := rank(d)
	c := Comparison{Rounds: len(d), Effect: s.effect()}
	c.P, c.Exact = s.p()

	walsh := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i, x := range d {
		for _, y := range d[i:] {
			walsh = append(walsh, x/2+y/2)
		}
	}
	slices.Sort(walsh)
	untied := make([]int, len(d))
	for i := range untied {
		untied[i] = 2 * (i + 1)
	}
	null := newNull(untied)
	c.Exact = c.Exact && null.cdf != nil
	c.Ratio = central(walsh, level, func(k int) float64 { return null.atMost(2 * k) })
	return c
}

// central makes the estimate from sorted values: their median, and the narrowest interval from the k-th value to the
// k-th from the end, counted from 0, whose confidence, 1 - 2*tail(k), reaches the level; the whole range if none does.
// tail is asked for 0, 1, 2 and so on.
func central(sorted []float64, level float64, tail func(int) float64) Estimate {
	k, reached := 0, 1-2*tail(0)
	for k+1 < (len(sorted)+1)/2 {
		narrower := 1 - 2*tail(k+1)
		if narrower < level {
			break
		}
		k, reached = k+1, narrower
	}
	return Estimate{
		Value: quantile(sorted, 0.5),
		Low:   sorted[k],
		High:  sorted[len(sorted)-1-k],
		Level: max(0, reached),
	}
}

// check returns an error unless there are observations, all finite, and level is a confidence.
func check(level float64, samples ...[]float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("cannot give a confidence interval of level %g: it must lie between 0 and 1", level)
	}
	for _, sample := range samples {
		if len(sample) == 0 {
			return fmt.Errorf("cannot estimate from no observations")
		}
		for i, x := range sample {
			if x-x != 0 { // NaN for an infinity and for NaN
				return fmt.Errorf("cannot estimate from %g, the observation at index %d", x, i)
			}
		}
	}
	return nil
}
