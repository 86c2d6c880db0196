package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// Lines is a chart of lines over x: latency over rate, or anything over time.
type Lines struct {
	Title       string
	Description string // what the picture shows; optional
	X, Y        Axis
	Series      []Line // at most 8, in the order of colours
	Marks       []Mark
}

// Line is one series. A missing value, or one that a logarithmic axis does not reach, interrupts it.
type Line struct {
	Name   string
	Points []Point // by rising X
}

// Point is one measurement.
type Point struct {
	X float64
	Y Value
}

// Mark is a vertical line at X that says what happened there.
type Mark struct {
	X     float64
	Label string
}

func (l *Lines) html() (template.HTML, error) {
	if err := l.check(); err != nil {
		return "", fmt.Errorf("cannot draw %q: %w", clean(l.Title), err)
	}
	e := newExtent()
	for _, line := range l.Series {
		for _, p := range line.Points {
			e.include(p.X)
		}
	}
	for _, m := range l.Marks {
		e.include(m.X)
	}
	x := l.X.span(e)
	ticks := make([]label, len(x.ticks))
	for i, v := range x.ticks {
		ticks[i] = label{v, x.tick(v)}
	}
	return l.plot(x, x.title(), ticks, func(v float64) (string, string) { return raw(v), SI(v, l.X.Unit) }), nil
}

func (l *Lines) check() error {
	if len(l.Series) == 0 || len(l.Series) > maxSeries {
		return fmt.Errorf("%d series; 1 to %d can be told apart", len(l.Series), maxSeries)
	}
	position := func(x float64) error {
		if l.X.Log && !(x > 0) {
			return fmt.Errorf("%g has no place on a logarithmic axis", x)
		}
		return plottable(x)
	}
	for _, line := range l.Series {
		for i, p := range line.Points {
			err := cmp.Or(position(p.X), p.Y.check())
			if err == nil && i > 0 && p.X < line.Points[i-1].X {
				err = fmt.Errorf("x = %g comes after %g", p.X, line.Points[i-1].X)
			}
			if err != nil {
				return fmt.Errorf("point %d of %q: %w", i, clean(line.Name), err)
			}
		}
	}
	for _, m := range l.Marks {
		if err := position(m.X); err != nil {
			return fmt.Errorf("mark %q: %w", clean(m.Label), err)
		}
	}
	return nil
}

// label is words at a place of an axis.
type label struct {
	at   float64
	text string
}

// describer names a place of the x axis: exactly, for data-label, and in words.
type describer func(x float64) (exact, words string)

// Measures of a plot, in the drawing's units.
const (
	plotLeft    = 76
	leaderWidth = 24 // from the plot to the lines' names
	plotHeight  = 300
	lineHeight  = 22
)

// plot draws the lines over an x axis that is laid out already but for its place.
func (l *Lines) plot(x span, xTitle string, xTicks []label, describe describer) template.HTML {
	e := newExtent()
	points := 0
	for _, line := range l.Series {
		for _, p := range line.Points {
			if l.Y.shows(p.Y) {
				e.holdValue(l.Y, p.Y)
				points++
			}
		}
	}
	y := l.Y.span(e)
	names := make([]string, len(l.Series))
	for i, line := range l.Series {
		names[i] = line.Name
	}
	x.from, x.to = plotLeft, width-leaderWidth-nameRoom(names)

	var d drawing
	d.text("text", y.title(), attr{"class", "axis", "x", 0, "y", 18})
	top, marks := l.placeMarks(x)
	bottom := top + plotHeight
	y.from, y.to = bottom, top
	for _, m := range marks {
		d.leaf("line", attr{"class", "event", "x1", m.at, "x2", m.at, "y1", m.y - 12, "y2", bottom})
	}
	for _, m := range marks { // after all lines, which a label may have to cover
		shift := 6.0
		if m.anchor == "end" {
			shift = -6
		}
		d.text("text", fit(m.Label, width/2), attr{"class", "event", "x", m.at + shift, "y", m.y, "text-anchor", m.anchor})
	}
	for _, tick := range y.ticks {
		d.leaf("line", attr{"class", "grid", "x1", plotLeft, "x2", x.to, "y1", y.at(tick), "y2", y.at(tick)})
		d.text("text", y.tick(tick), attr{"class", "tick", "x", plotLeft - 10, "y", y.at(tick) + 4.5, "text-anchor", "end"})
	}
	free := -1e9
	for _, tick := range xTicks {
		at, half := x.at(tick.at), textWidth(tick.text)/2
		d.leaf("line", attr{"class", "notch", "x1", at, "x2", at, "y1", bottom, "y2", bottom + 5})
		if at-half < free {
			continue
		}
		free = at + half + 8
		d.text("text", tick.text, attr{"class", "tick", "x", at, "y", bottom + 24, "text-anchor", "middle"})
	}
	d.text("text", xTitle, attr{"class", "axis", "x", plotLeft, "y", bottom + 50})

	radius := 3.5
	if points > 120 {
		radius = 1.5
	}
	for i, line := range l.Series {
		l.line(&d, x, y, i, line, radius, describe)
	}
	l.names(&d, x, y)
	if points == 0 {
		d.text("text", "nothing was measured", attr{"class", "missing", "x", plotLeft + 12, "y", (top + bottom) / 2})
	}
	return figure(l.Title, l.Description, bottom+60, &d)
}

// placed is a mark with the place of its label.
type placed struct {
	Mark
	at, y  float64
	anchor string
}

// placeMarks finds places for the marks' labels, in as many rows as they need above the plot, and returns the plot's top.
func (l *Lines) placeMarks(x span) (top float64, marks []placed) {
	var ends []float64 // of each row
	for _, m := range slices.SortedFunc(slices.Values(l.Marks), func(a, b Mark) int { return cmp.Compare(a.X, b.X) }) {
		p := placed{Mark: m, at: x.at(m.X), anchor: "start"}
		left, right := p.at, p.at+textWidth(fit(m.Label, width/2))
		if right > width { // no room on that side
			p.anchor, left, right = "end", p.at-(right-left), p.at
		}
		row := slices.IndexFunc(ends, func(end float64) bool { return end < left })
		if row < 0 {
			row = len(ends)
			ends = append(ends, 0)
		}
		ends[row] = right + 12
		p.y = 42 + float64(row*lineHeight)
		marks = append(marks, p)
	}
	return 36 + float64(len(ends)*lineHeight), marks
}

// line draws one series: its path, then the points with their numbers.
func (l *Lines) line(d *drawing, x, y span, series int, line Line, radius float64, describe describer) {
	var path strings.Builder
	pen := "M"
	for _, p := range line.Points {
		if !l.Y.shows(p.Y) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.2f %.2f", pen, x.at(p.X), y.at(p.Y.V))
		pen = "L"
	}
	class := fmt.Sprintf("s%d", series)
	d.open("g", attr{"class", class})
	d.leaf("path", attr{"class", "line", "d", path.String()})
	d.close("g")
	for _, p := range line.Points {
		if !l.Y.shows(p.Y) {
			continue
		}
		at := x.at(p.X)
		place, words := describe(p.X)
		d.mark(series, line.Name, place, words, p.Y, l.Y.Unit)
		if p.Y.interval() {
			low, high := y.at(y.lowEnd(p.Y, y.low)), y.at(p.Y.High)
			d.leaf("path", attr{"class", "whisker", "d", fmt.Sprintf("M%.2f %.2fh8m-4 0V%.2fm-4 0h8", at-4, low, high)})
		}
		d.leaf("circle", attr{"class", "fill", "cx", at, "cy", y.at(p.Y.V), "r", radius})
		d.close("g")
	}
}

// names writes each series' name beside its last point, moved apart where they would overlap.
func (l *Lines) names(d *drawing, x, y span) {
	type name struct {
		series int
		x, y   float64 // of the point
		at     float64 // of the name
	}
	var names []name
	for i, line := range l.Series {
		for _, p := range slices.Backward(line.Points) {
			if l.Y.shows(p.Y) {
				names = append(names, name{i, x.at(p.X), y.at(p.Y.V), y.at(p.Y.V)})
				break
			}
		}
	}
	slices.SortFunc(names, func(a, b name) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(names); i++ { // downwards from the top,
		names[i].at = max(names[i].at, names[i-1].at+lineHeight)
	}
	limit := y.from + 4
	for i := len(names) - 1; i >= 0; i-- { // and back up from the bottom where that ran over
		names[i].at = min(names[i].at, limit)
		limit = names[i].at - lineHeight
	}
	for _, n := range names {
		d.open("g", attr{"class", fmt.Sprintf("s%d", n.series)})
		d.leaf("path", attr{"class", "leader", "d", fmt.Sprintf("M%.2f %.2fL%.2f %.2fh6", n.x+6, n.y, x.to+10, n.at)})
		d.text("text", fit(l.Series[n.series].Name, width-x.to-leaderWidth), attr{"class", "name", "x", x.to + leaderWidth - 2, "y", n.at + 4.5})
		d.close("g")
	}
}
