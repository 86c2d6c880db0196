package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
)

// Percentiles is a chart of latencies by percentile, which shows the tail and not the middle alone:
// each step to the right is ten times rarer (p90, p99, p99.9), and the largest value stands apart at the end.
type Percentiles struct {
	Title       string
	Description string // what the picture shows; optional
	Y           Axis
	Series      []Distribution // at most 8, in the order of colours
}

// Distribution is the quantiles of one series.
type Distribution struct {
	Name      string
	Quantiles []Quantile // by rising P
}

// Quantile is a value that the share P of all measurements does not exceed. P = 1 is the largest.
type Quantile struct {
	P float64
	Y Value
}

// label names the quantile: p99.9, or max.
func (q Quantile) label() string {
	if q.P == 1 {
		return "max"
	}
	return "p" + strconv.FormatFloat(100*q.P, 'g', 12, 64)
}

func (p *Percentiles) html() (template.HTML, error) {
	fail := func(err error) (template.HTML, error) {
		return "", fmt.Errorf("cannot draw %q: %w", clean(p.Title), err)
	}
	rarity := func(q float64) float64 { return -math.Log10(1 - q) }
	e := newExtent()
	for _, s := range p.Series {
		for _, q := range s.Quantiles {
			if !(q.P >= 0 && q.P <= 1) {
				return fail(fmt.Errorf("%q: %g is no share for a percentile", clean(s.Name), q.P))
			}
			if q.P < 1 {
				e.include(rarity(q.P))
			}
		}
	}
	if e.empty() {
		e.include(0)
	}
	end := e.high + 0.7 // where max stands, as far from the last as p50 from p90
	lines := Lines{Title: p.Title, Description: p.Description, Y: p.Y}
	names := map[float64]string{}
	for _, s := range p.Series {
		line := Line{Name: s.Name}
		for _, q := range s.Quantiles {
			x := end
			if q.P < 1 {
				x = rarity(q.P)
			}
			names[x] = q.label()
			line.Points = append(line.Points, Point{x, q.Y})
		}
		lines.Series = append(lines.Series, line)
	}
	if err := lines.check(); err != nil {
		return fail(err)
	}
	var ticks []label
	for x, name := range names {
		ticks = append(ticks, label{x, name})
	}
	slices.SortFunc(ticks, func(a, b label) int { return cmp.Compare(a.at, b.at) })
	x := span{low: min(e.low, end-1), high: end}
	return lines.plot(x, "percentile (each decade to the right is ten times rarer)", ticks, func(x float64) (string, string) { return names[x], names[x] }), nil
}
