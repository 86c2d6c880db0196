package stats

import (
	"cmp"
	"math"
	"slices"
)

// exactMax is the largest number of ranks for which the null distribution is computed exactly.
// Beyond it the normal approximation is good to the third digit of p and costs nothing.
const exactMax = 50

// signedRank is Wilcoxon's signed-rank statistic of differences, in halves of a rank:
// mid-ranks of ties are then whole numbers.
type signedRank struct {
	ranks []int // of the differences that are not zero
	plus  int   // sum of the ranks of the positive ones
}

// rank ranks the differences by their size. Ties share their mid-rank. Zeros take part in the ranking and then
// leave it (Pratt, Remarks on zeros and ties in the Wilcoxon signed rank procedures, JASA 54, 1959): dropping
// them before, as Wilcoxon did, can turn a significant result into none when a round is added that speaks for it.
func rank(d []float64) signedRank {
	d = slices.Clone(d)
	slices.SortFunc(d, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	var s signedRank
	for start := 0; start < len(d); {
		end := start + 1
		for end < len(d) && math.Abs(d[end]) == math.Abs(d[start]) {
			end++
		}
		doubled := start + 1 + end // first rank + last rank = twice their mean
		for _, x := range d[start:end] {
			if x != 0 {
				s.ranks = append(s.ranks, doubled)
			}
			if x > 0 {
				s.plus += doubled
			}
		}
		start = end
	}
	return s
}

func (s signedRank) total() int {
	total := 0
	for _, r := range s.ranks {
		total += r
	}
	return total
}

// p returns the two-sided p-value, and whether it is exact.
func (s signedRank) p() (p float64, exact bool) {
	null := newNull(s.ranks)
	return min(1, 2*null.atMost(min(s.plus, s.total()-s.plus))), null.cdf != nil
}

// effect is the matched-pairs rank-biserial correlation: the share of the rank sum that speaks for a positive
// difference minus the share that speaks against it (Kerby, The simple difference formula, Comprehensive
// Psychology 3, 2014). 0 when all differences are zero.
func (s signedRank) effect() float64 {
	total := s.total()
	if total == 0 {
		return 0
	}
	return float64(2*s.plus-total) / float64(total)
}

// null is the distribution of the positive ranks' sum when every sign is a fair coin, given the ranks.
type null struct {
	cdf      []float64 // exact, by sum in halves of a rank; nil: normal approximation
	mean, sd float64
}

// newNull takes ranks in halves of a rank. The exact distribution is that of the ranks as they are, ties
// included, by adding one rank after another (the shift algorithm of Streitberg and Röhmel, Exact distributions
// for permutation and rank tests, Statistical Software Newsletter 12, 1986).
func newNull(ranks []int) null {
	var n null
	total := 0
	for _, r := range ranks {
		total += r
		n.mean += float64(r) / 2
		n.sd += float64(r) * float64(r) / 4 // the variance of a sum of coins; smaller under ties by just their correction
	}
	n.sd = math.Sqrt(n.sd)
	if len(ranks) > exactMax {
		return n
	}
	n.cdf = make([]float64, total+1)
	n.cdf[0] = 1
	for _, r := range ranks {
		for sum := total; sum >= 0; sum-- {
			with := 0.0
			if sum >= r {
				with = n.cdf[sum-r]
			}
			n.cdf[sum] = (n.cdf[sum] + with) / 2
		}
	}
	for sum := 1; sum <= total; sum++ {
		n.cdf[sum] += n.cdf[sum-1]
	}
	return n
}

// atMost returns the probability of a sum of at most w halves of a rank.
func (n null) atMost(w int) float64 {
	if n.cdf != nil {
		return n.cdf[w]
	}
	return math.Erfc(-(float64(w)+1-n.mean)/n.sd/math.Sqrt2) / 2 // +1: the continuity correction of half a rank
}
