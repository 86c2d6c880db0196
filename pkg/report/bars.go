package report

import (
	"fmt"
	"html/template"
)

// Bars is a chart of horizontal bars from zero, in groups, with whiskers for the confidence intervals. On a logarithmic
// axis, which has no zero for a bar to start from, it draws dots: a bar's length would mean nothing there.
// Each row carries its series' name, so that colour is never needed to read it.
type Bars struct {
	Title       string
	Description string // what the picture shows and what the whiskers mean; optional
	Axis        Axis
	Series      []string // at most 8, in the order of colours: the same list gives the same colours in every chart
	Groups      []Group
}

// Group is the bars that stand together, one value a series.
type Group struct {
	Label  string
	Values []Value
}

// Measures of the rows, in the drawing's units.
const (
	rowHeight   = 24
	groupHeight = 36
	groupGap    = 12
	nameGap     = 12  // between a series' name and its bar
	valueWidth  = 104 // for the value's label, right of the longest bar
	axisHeight  = 56
)

func (b *Bars) html() (template.HTML, error) {
	if err := b.check(); err != nil {
		return "", fmt.Errorf("cannot draw %q: %w", clean(b.Title), err)
	}
	e := newExtent()
	if !b.Axis.Log {
		e.include(0)
	}
	rows := 0
	for _, g := range b.Groups {
		for _, v := range g.Values {
			rows++
			if b.Axis.shows(v) {
				e.holdValue(b.Axis, v)
			}
		}
	}
	s := b.Axis.span(e)
	s.from, s.to = nameRoom(b.Series)+nameGap, width-valueWidth
	top := 8.0
	if tall := rows > 24; tall { // the axis at the bottom is out of sight
		top = 36
	}
	bottom := top + float64(rows*rowHeight+len(b.Groups)*groupHeight+(len(b.Groups)-1)*groupGap)

	var d drawing
	last := -1e9
	for _, tick := range s.ticks {
		x := s.at(tick)
		d.leaf("line", attr{"class", "grid", "x1", x, "x2", x, "y1", top, "y2", bottom + 4})
		label := s.tick(tick)
		if x-last < textWidth(label)+8 {
			continue
		}
		last = x
		d.text("text", label, attr{"class", "tick", "x", x, "y", bottom + 22, "text-anchor", "middle"})
		if top > 8 {
			d.text("text", label, attr{"class", "tick", "x", x, "y", top - 12, "text-anchor", "middle"})
		}
	}
	d.text("text", s.title(), attr{"class", "axis", "x", s.from, "y", bottom + 46})

	y := top
	for i, g := range b.Groups {
		if i > 0 {
			y += groupGap
		}
		d.text("text", fit(g.Label, width), attr{"class", "group", "x", 0, "y", y + groupHeight - 12})
		y += groupHeight
		for series, v := range g.Values {
			b.row(&d, s, y+rowHeight/2, series, g.Label, v)
			y += rowHeight
		}
	}
	return figure(b.Title, b.Description, bottom+axisHeight, &d), nil
}

// row draws one value around the height y.
func (b *Bars) row(d *drawing, s span, y float64, series int, label string, v Value) {
	const baseline = 4.5
	name := b.Series[series]
	d.text("text", fit(name, s.from-nameGap), attr{"class", "name", "x", s.from - nameGap, "y", y + baseline, "text-anchor", "end"})
	if !b.Axis.shows(v) {
		reason := "not measured"
		if !v.missing() {
			reason = SI(v.V, b.Axis.Unit) + ", off the log scale"
		}
		d.text("text", reason, attr{"class", "missing", "x", s.from + 8, "y", y + baseline})
		return
	}
	end := s.at(v.V)
	d.mark(series, name, label, label, v, b.Axis.Unit)
	if b.Axis.Log {
		d.leaf("line", attr{"class", "lead", "x1", s.from, "x2", end, "y1", y, "y2", y})
	} else {
		d.leaf("rect", attr{"class", "fill", "x", s.from, "y", y - 7, "width", end - s.from, "height", 14, "rx", 1.5})
	}
	if v.interval() {
		low, high := s.at(s.lowEnd(v, s.low)), s.at(v.High)
		for _, class := range []string{"halo", "whisker"} {
			d.leaf("path", attr{"class", class, "d", fmt.Sprintf("M%.2f %.2fv8m0-4H%.2fm0-4v8", low, y-4, high)})
		}
		end = max(end, high)
	}
	if b.Axis.Log {
		d.leaf("circle", attr{"class", "fill", "cx", s.at(v.V), "cy", y, "r", 5})
	}
	d.text("text", short(v.V, b.Axis.Unit), attr{"class", "value", "x", end + 8, "y", y + baseline})
	d.close("g")
}

func (b *Bars) check() error {
	if len(b.Series) == 0 || len(b.Series) > maxSeries {
		return fmt.Errorf("%d series; 1 to %d can be told apart", len(b.Series), maxSeries)
	}
	if len(b.Groups) == 0 {
		return fmt.Errorf("no groups")
	}
	for _, g := range b.Groups {
		if len(g.Values) != len(b.Series) {
			return fmt.Errorf("group %q has %d values for %d series", clean(g.Label), len(g.Values), len(b.Series))
		}
		for i, v := range g.Values {
			err := v.check()
			if err == nil && !b.Axis.Log && (v.V < 0 || v.Low < 0) {
				err = fmt.Errorf("%g to %g is below zero, where a bar begins", v.Low, v.V)
			}
			if err != nil {
				return fmt.Errorf("%q of %q: %w", clean(b.Series[i]), clean(g.Label), err)
			}
		}
	}
	return nil
}
