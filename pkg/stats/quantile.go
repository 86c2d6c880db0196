package stats

import (
	"math"
	"slices"
)

// Quantile returns the q-quantile of x, 0 ≤ q ≤ 1, interpolated between the two nearest observations
// (type 7 of Hyndman and Fan, Sample quantiles in statistical packages, American Statistician 50, 1996).
// It is NaN when there are no observations. x is not modified.
func Quantile(x []float64, q float64) float64 {
	return quantile(slices.Sorted(slices.Values(x)), q)
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 || !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if float64(i) == at {
		return sorted[i]
	}
	share := at - float64(i)
	return sorted[i]*(1-share) + sorted[i+1]*share
}

// Median returns the median of x, which must be finite, with a confidence interval from its order statistics:
// the one that inverts the sign test, right for any distribution.
func Median(x []float64, level float64) (Estimate, error) {
	if err := check(level, x); err != nil {
		return Estimate{}, err
	}
	n := float64(len(x))
	all, _ := math.Lgamma(n + 1)
	sum := 0.0
	atMost := func(k int) float64 { // P(Binomial(n, 1/2) ≤ k); central asks for one k after another
		below, _ := math.Lgamma(float64(k) + 1)
		above, _ := math.Lgamma(n - float64(k) + 1)
		sum += math.Exp(all - below - above - n*math.Ln2)
		return sum
	}
	return central(slices.Sorted(slices.Values(x)), level, atMost), nil
}
