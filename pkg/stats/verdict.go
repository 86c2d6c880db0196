package stats

import (
	"cmp"
	"slices"
)

// Holm adjusts p-values for their number: whoever calls those below alpha significant is wrong about even one of them
// with a probability of at most alpha (Holm, A simple sequentially rejective multiple test procedure,
// Scandinavian Journal of Statistics 6, 1979). Unlike Hochberg's procedure it holds under any dependence,
// and comparisons that share a base do depend on each other. The result is in the order of p.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	adjusted := make([]float64, len(p))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = worst
	}
	return adjusted
}

// MinRounds returns how many rounds it takes for any of that many comparisons to pass below alpha after Holm's adjustment:
// with n rounds that all agree, p is 2/2^n. Ten rounds can decide 25 comparisons at 5%, and not one of 26.
func MinRounds(comparisons int, alpha float64) int {
	rounds := 1
	for p := float64(comparisons); p >= alpha && p > 0; p /= 2 {
		rounds++
	}
	return rounds
}

// NoiseFloor returns the largest ratio, at least 1, that comparisons of a side with itself cannot exclude: the far end
// of the widest of their confidence intervals. With a floor of 1.06 a difference of 6% is still what the bench itself
// may show. It is not merely their estimate, which a lucky A/A run would put at no noise at all.
func NoiseFloor(same ...Comparison) float64 {
	floor := 1.0
	for _, c := range same {
		floor = max(floor, c.Ratio.High, 1/c.Ratio.Low)
	}
	return floor
}

// Verdict is what a comparison of a with b shows. Of times, lower is faster.
type Verdict int

// The verdicts.
const (
	Undecided Verdict = iota // no difference shown, which is not to say that there is none
	Lower                    // a is below b
	Higher                   // a is above b
)

// String returns the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Lower:
		return "lower"
	case Higher:
		return "higher"
	}
	return "no difference shown"
}

// Rule says what it takes for a difference to count.
type Rule struct {
	Alpha float64 // the risk of a false alarm that is accepted, over all comparisons that were adjusted together
	Floor float64 // the noise floor as a ratio; below 1 it counts as 1
}

// Judge returns what c shows. p is its p-value adjusted for all comparisons made with it. A difference counts when it
// is both too regular for chance (p below Alpha) and too large for the bench: the whole interval, of a confidence
// of at least 1-Alpha, lies beyond the noise floor.
func (r Rule) Judge(c Comparison, p float64) Verdict {
	floor := max(1, r.Floor)
	switch {
	case !(p < r.Alpha) || c.Ratio.Level < 1-r.Alpha:
		return Undecided
	case c.Ratio.High < 1/floor:
		return Lower
	case c.Ratio.Low > floor:
		return Higher
	}
	return Undecided
}
