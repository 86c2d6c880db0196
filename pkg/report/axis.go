package report

import (
	"math"
	"strings"
)

// Axis is what a chart measures along one side.
type Axis struct {
	Label string // "decode time"
	Unit  string // "ns/metric", "s", "req/s", "%"; numbers get prefixes from it
	Log   bool   // logarithmic: for what spans more than a decade
}

// span is an axis with its ends, laid along from…to in the drawing.
type span struct {
	Axis
	low, high float64
	ticks     []float64
	from, to  float64
}

// newSpan rounds low and high outward to ticks. On a logarithmic axis both are positive.
func newSpan(a Axis, low, high float64) span {
	s := span{Axis: a}
	if a.Log {
		s.ticks = logTicks(low, high)
	} else {
		s.ticks = linearTicks(low, high)
	}
	s.low, s.high = s.ticks[0], s.ticks[len(s.ticks)-1]
	return s
}

func (s span) at(v float64) float64 {
	low, high := s.low, s.high
	if s.Log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// linearTicks returns four to eight multiples of 1, 2 or 5 times a power of ten, of which the outer two enclose low and high.
func linearTicks(low, high float64) []float64 {
	if high-low <= 1e-9*math.Max(math.Abs(low), math.Abs(high)) { // a single value: give it room
		low, high = math.Min(low, 0), math.Max(high, 0)
		if low == high {
			high = 1
		}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*factor) <= 6 {
			step *= factor
			break
		}
	}
	var ticks []float64
	const slack = 1e-9 // low and high that are ticks but for rounding
	for i := math.Floor(low/step + slack); ; i++ {
		ticks = append(ticks, i*step)
		if i*step >= high-slack*step {
			return ticks
		}
	}
}

// logTicks returns powers of ten, or 1, 2 and 5 times them where there are few, that enclose low and high;
// within a factor of three, where those say nothing, they are evenly spaced numbers.
func logTicks(low, high float64) []float64 {
	if low == high {
		low, high = low/2, high*2
	}
	if high/low < 3 {
		if ticks := linearTicks(low, high); ticks[0] > 0 {
			return ticks
		}
	}
	first, last := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	if last-first <= 2 {
		var ticks []float64
		for e := first; e <= last; e++ {
			for _, factor := range []float64{1, 2, 5} {
				ticks = append(ticks, factor*math.Pow(10, e))
			}
		}
		for len(ticks) > 2 && ticks[1] <= low {
			ticks = ticks[1:]
		}
		for len(ticks) > 2 && ticks[len(ticks)-2] >= high {
			ticks = ticks[:len(ticks)-1]
		}
		return ticks
	}
	stride := math.Ceil((last - first) / 7)
	var ticks []float64
	for e := first; ; e += stride {
		ticks = append(ticks, math.Pow(10, e))
		if e >= last {
			return ticks
		}
	}
}

// title names the axis with its unit. A linear axis has one prefix for all of its ticks and says it here;
// on a logarithmic one each tick has its own.
func (s span) title() string {
	unit := s.Unit
	if s.Log {
		if _, per, divided := strings.Cut(unit, "/"); !counts(unit) && divided {
			unit = "per " + per
		} else if !counts(unit) {
			unit = ""
		}
		if unit != "" {
			unit += ", "
		}
		return s.Label + " (" + unit + "log scale)"
	}
	if _, unit = s.scaled(); unit == "" {
		return s.Label
	}
	return s.Label + " (" + unit + ")"
}

// tick is the text beside the tick at v.
func (s span) tick(v float64) string {
	if s.Log || s.Unit == "" || counts(s.Unit) {
		return short(v, s.Unit)
	}
	factor, _ := s.scaled()
	return Digits(v * factor)
}

// scaled returns the factor from values to the numbers at a linear axis's ticks, and the unit of those.
func (s span) scaled() (float64, string) {
	if counts(s.Unit) { // the ticks say 10k themselves
		return 1, s.Unit
	}
	factor, unit := base(1, s.Unit)
	i := prefixOf(math.Max(math.Abs(s.low), math.Abs(s.high))*factor, unit)
	if unit == "" || i == noPrefix {
		return factor, unit
	}
	return factor / scale(i), prefixes[i] + unit
}
