package report

import (
	"fmt"
	"math"
)

// Value is a measured number, with its confidence interval where Low < High. NaN means that nothing was measured:
// the chart says so, or leaves a gap in the line.
type Value struct{ V, Low, High float64 }

// Exactly is a value without an interval.
func Exactly(v float64) Value { return Value{V: v, Low: v, High: v} }

// Missing is the absence of a value.
func Missing() Value { return Exactly(math.NaN()) }

func (v Value) missing() bool  { return math.IsNaN(v.V) }
func (v Value) interval() bool { return v.Low < v.High }

// check returns an error for a number that no axis can hold, or that its own interval does not.
func (v Value) check() error {
	if v.missing() {
		return nil
	}
	for _, x := range []float64{v.V, v.Low, v.High} {
		if err := plottable(x); err != nil {
			return err
		}
	}
	if v.Low > v.V || v.High < v.V {
		return fmt.Errorf("the interval from %g to %g misses its value %g", v.Low, v.High, v.V)
	}
	return nil
}

func plottable(x float64) error {
	if size := math.Abs(x); x != 0 && !(size > 1e-100 && size < 1e100) {
		return fmt.Errorf("%g is beyond what a chart can show", x)
	}
	return nil
}

// extent is the range of values that an axis must hold.
type extent struct{ low, high float64 }

func newExtent() extent { return extent{math.Inf(1), math.Inf(-1)} }

// holdValue makes room for v and its interval, as far as the axis shows them.
func (e *extent) holdValue(a Axis, v Value) {
	e.include(v.V)
	e.include(v.High)
	e.include(a.lowEnd(v, v.V))
}

func (e *extent) include(x float64) { e.low, e.high = min(e.low, x), max(e.high, x) }
func (e extent) empty() bool        { return e.low > e.high }

// shows reports whether v can be drawn on the axis: a logarithm needs a positive number.
func (a Axis) shows(v Value) bool {
	return !v.missing() && (!a.Log || v.V > 0)
}

// lowEnd returns the low end of v's interval, or the given value when a logarithmic axis does not reach that far down.
func (a Axis) lowEnd(v Value, instead float64) float64 {
	if a.Log && v.Low <= 0 {
		return instead
	}
	return v.Low
}

// span returns the axis with room for all of e; an empty one when there is nothing to show.
func (a Axis) span(e extent) span {
	if e.empty() {
		e = extent{1, 10}
	}
	return newSpan(a, e.low, e.high)
}
