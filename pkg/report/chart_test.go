package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// palette returns the relative luminance (WCAG 2.2) of each colour that css defines.
func palette(t *testing.T, css string) map[string]float64 {
	t.Helper()
	luminances := map[string]float64{}
	for _, m := range regexp.MustCompile(`--(\w+): #(\w{6})`).FindAllStringSubmatch(css, -1) {
		rgb, err := strconv.ParseUint(m[2], 16, 32)
		require.NoError(t, err)
		linear := func(shift int) float64 {
			c := float64(rgb>>shift&0xFF) / 255
			if c <= 0.04045 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		luminances[m[1]] = 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
	}
	return luminances
}

var coordinates = regexp.MustCompile(`^(x|y|x1|x2|y1|y2|cx|cy)$`)

// requireInside checks that nothing is drawn outside the chart and that no coordinate is broken.
func requireInside(t *testing.T, svg *element) {
	t.Helper()
	box := strings.Fields(svg.attrs["viewBox"])
	height, err := strconv.ParseFloat(box[3], 64)
	require.NoError(t, err)
	for _, e := range svg.all(func(*element) bool { return true }) {
		for name, value := range e.attrs {
			require.NotContains(t, value, "NaN")
			require.NotContains(t, value, "Inf")
			if coordinates.MatchString(name) {
				v := e.number(t, name)
				limit := height
				if strings.Contains(name, "x") {
					limit = width
				}
				require.True(t, v >= 0 && v <= limit, "%s=%s of <%s>", name, value, e.name)
			}
		}
	}
}

func TestEveryChartOfTheExampleStaysInItsBox(t *testing.T) {
	for _, svg := range render(t, examplePage()).all(named("svg")) {
		requireInside(t, svg)
	}
}

func TestBarsAreAsLongAsTheirNumbers(t *testing.T) {
	svg := show(t, &Bars{Title: "t", Axis: Axis{Label: "time", Unit: "s"}, Series: []string{"a", "b"}, Groups: []Group{
		{"g", []Value{{2, 1, 4}, Exactly(4)}}, {"h", []Value{Exactly(0), Missing()}}}}).all(named("svg"))[0]
	requireInside(t, svg)
	bars := svg.all(named("rect"))
	require.Len(t, bars, 3)
	assert.InDelta(t, 2*bars[0].number(t, "width"), bars[1].number(t, "width"), 0.02)
	assert.Zero(t, bars[2].number(t, "width"))
	assert.Equal(t, bars[0].attrs["x"], bars[1].attrs["x"], "from one baseline")
	mark := bars[0].parent
	assert.Equal(t, "a", mark.attrs["data-series"])
	assert.Equal(t, "g", mark.attrs["data-label"])
	assert.Equal(t, "2 1 4", mark.attrs["data-value"]+" "+mark.attrs["data-low"]+" "+mark.attrs["data-high"])
	assert.Equal(t, "a, g: 2\u00a0s (1\u00a0s to 4\u00a0s)", mark.children[0].text)
	assert.Len(t, svg.all(class("whisker")), 1, "only where there is an interval")
	assert.NotContains(t, bars[1].parent.attrs, "data-low")
	assert.Equal(t, "not measured", svg.all(class("missing"))[0].text)
}

func TestLogAxesHaveDotsAndSayWhatTheyCannotShow(t *testing.T) {
	svg := show(t, &Bars{Title: "t", Axis: Axis{Label: "time", Unit: "ns/op", Log: true}, Series: []string{"a"}, Groups: []Group{
		{"1", []Value{Exactly(10)}}, {"2", []Value{Exactly(100)}}, {"3", []Value{Exactly(1000)}}, {"4", []Value{{50, -1, 2000}}},
		{"5", []Value{Exactly(0)}}, {"6", []Value{Exactly(-3)}}}}).all(named("svg"))[0]
	requireInside(t, svg)
	assert.Empty(t, svg.all(named("rect")), "a bar has no honest length here")
	dots := svg.all(named("circle"))
	require.Len(t, dots, 4)
	assert.InDelta(t, dots[1].number(t, "cx")-dots[0].number(t, "cx"), dots[2].number(t, "cx")-dots[1].number(t, "cx"), 0.02, "a decade is a decade")
	missing := svg.all(class("missing"))
	require.Len(t, missing, 2)
	assert.Equal(t, "0\u00a0s/op, off the log scale", missing[0].text)
	assert.Len(t, svg.all(class("mark")), 4, "no data for what is not drawn")
}

func TestNamesAndRowsDoNotOverlap(t *testing.T) {
	page := render(t, examplePage())
	for i, svg := range page.all(named("svg")) {
		apart := 20.0
		rows := map[string][]float64{}
		for _, text := range svg.all(class("name")) {
			rows[text.attrs["x"]] = append(rows[text.attrs["x"]], text.number(t, "y"))
		}
		for _, ys := range rows {
			for j, y := range ys {
				for _, other := range ys[:j] {
					assert.GreaterOrEqual(t, math.Abs(y-other), apart, "chart %d", i)
				}
			}
		}
	}
	same := &Lines{Title: "t"} // eight lines that end at the bottom of the plot in one point
	for i := range maxSeries {
		same.Series = append(same.Series, Line{strconv.Itoa(i), []Point{{1, Exactly(0)}, {2, Exactly(0)}}})
	}
	svg := show(t, same).all(named("svg"))[0]
	requireInside(t, svg)
	names := svg.all(class("name"))
	require.Len(t, names, maxSeries)
	for i := 1; i < len(names); i++ {
		assert.GreaterOrEqual(t, names[i].number(t, "y")-names[i-1].number(t, "y"), 20.0)
	}
}

func TestLinesBreakWhereNothingWasMeasured(t *testing.T) {
	svg := show(t, &Lines{Title: "t", X: Axis{Label: "rate", Unit: "req/s", Log: true}, Y: Axis{Label: "latency", Unit: "s", Log: true},
		Series: []Line{{"a", []Point{{10, Exactly(1)}, {100, Missing()}, {1000, Value{4, -1, 5}}, {10000, Exactly(0)}}}, {"nothing", nil}}}).all(named("svg"))[0]
	requireInside(t, svg)
	assert.Equal(t, 2, strings.Count(svg.all(class("line"))[0].attrs["d"], "M"), "two separate strokes")
	marks := svg.all(class("mark"))
	require.Len(t, marks, 2)
	assert.Equal(t, "10", marks[0].attrs["data-label"])
	assert.Equal(t, "1000 4 -1 5", strings.Join([]string{marks[1].attrs["data-label"], marks[1].attrs["data-value"], marks[1].attrs["data-low"], marks[1].attrs["data-high"]}, " "))
	assert.Equal(t, "a, 1k\u00a0req/s: 4\u00a0s (−1\u00a0s to 5\u00a0s)", marks[1].children[0].text)
	assert.Len(t, svg.all(class("name")), 1, "a line without points has no end to name")
}

func TestChartsOfAlmostNothing(t *testing.T) {
	for name, chart := range map[string]Block{
		"one point":       &Lines{Series: []Line{{"a", []Point{{5, Exactly(5)}}}}},
		"one log point":   &Lines{X: Axis{Log: true}, Y: Axis{Log: true}, Series: []Line{{"a", []Point{{5, Exactly(5)}}}}},
		"all missing":     &Lines{Series: []Line{{"a", []Point{{5, Missing()}}}}},
		"no points":       &Lines{Series: []Line{{"a", nil}}},
		"one bar":         &Bars{Series: []string{"a"}, Groups: []Group{{"g", []Value{Exactly(5)}}}},
		"bars of nothing": &Bars{Axis: Axis{Log: true}, Series: []string{"a"}, Groups: []Group{{"g", []Value{Missing()}}}},
		"all zero":        &Bars{Series: []string{"a"}, Groups: []Group{{"g", []Value{Exactly(0)}}}},
		"one percentile":  &Percentiles{Series: []Distribution{{"a", []Quantile{{0.5, Exactly(1)}}}}},
		"only a maximum":  &Percentiles{Series: []Distribution{{"a", []Quantile{{1, Exactly(1)}}}}},
	} {
		svg := show(t, chart).all(named("svg"))[0]
		t.Run(name, func(t *testing.T) { requireInside(t, svg) })
	}
	assert.Equal(t, "nothing was measured", show(t, &Lines{Series: []Line{{"a", nil}}}).all(class("missing"))[0].text)
}

func TestManyPointsAreSmall(t *testing.T) {
	series := Line{Name: "a"}
	for i := range 200 {
		series.Points = append(series.Points, Point{float64(i), Exactly(float64(i % 7))})
	}
	dots := show(t, &Lines{Series: []Line{series}}).all(named("circle"))
	require.Len(t, dots, 200)
	assert.Equal(t, "1.5", dots[0].attrs["r"])
}

func TestMarksOfEventsKeepApart(t *testing.T) {
	svg := show(t, &Lines{X: Axis{Unit: "s"}, Series: []Line{{"a", []Point{{0, Exactly(1)}, {100, Exactly(2)}}}},
		Marks: []Mark{{98, "the end is near"}, {10, "start"}, {11, "warm"}, {60, "later"}}}).all(named("svg"))[0]
	requireInside(t, svg)
	labels := svg.all(func(e *element) bool { return e.name == "text" && e.has("event") })
	require.Len(t, labels, 4)
	assert.Equal(t, "start", labels[0].text)
	assert.NotEqual(t, labels[0].attrs["y"], labels[1].attrs["y"], "close marks take two rows")
	assert.Equal(t, labels[0].attrs["y"], labels[2].attrs["y"], "distant ones share one")
	assert.Equal(t, "end", labels[3].attrs["text-anchor"], "no room to the right")
}

func TestPercentilesAreSpacedByRarity(t *testing.T) {
	quantiles := []Quantile{{0.9, Exactly(1)}, {0.99, Exactly(2)}, {0.999, Exactly(3)}, {1, Exactly(9)}}
	svg := show(t, &Percentiles{Y: Axis{Label: "latency", Unit: "s"}, Series: []Distribution{{"a", quantiles}}}).all(named("svg"))[0]
	dots, marks := svg.all(named("circle")), svg.all(class("mark"))
	require.Len(t, dots, 4)
	x := func(i int) float64 { return dots[i].number(t, "cx") }
	assert.InDelta(t, x(1)-x(0), x(2)-x(1), 0.02)
	assert.Greater(t, x(3), x(2))
	for i, want := range []string{"p90", "p99", "p99.9", "max"} {
		assert.Equal(t, want, marks[i].attrs["data-label"])
	}
}

func TestLongNamesAreCutAndCrowdedTicksLeftOut(t *testing.T) {
	long := strings.Repeat("long name ", 20)
	svg := show(t, &Bars{Series: []string{long}, Groups: []Group{{long, []Value{Exactly(1)}}}}).all(named("svg"))[0]
	for _, text := range append(svg.all(class("name")), svg.all(class("group"))...) {
		assert.True(t, strings.HasSuffix(text.text, "…"))
		assert.LessOrEqual(t, textWidth(text.text), float64(width))
	}
	crowd := Distribution{Name: "a"}
	for p := 0.5; p < 0.99; p += 0.01 {
		crowd.Quantiles = append(crowd.Quantiles, Quantile{p, Exactly(p)})
	}
	svg = show(t, &Percentiles{Series: []Distribution{crowd}}).all(named("svg"))[0]
	ticks := svg.all(func(e *element) bool { return e.has("tick") && e.attrs["text-anchor"] == "middle" })
	assert.Greater(t, len(ticks), 4)
	assert.Less(t, len(ticks), 15)
	assert.Len(t, svg.all(class("mark")), len(crowd.Quantiles))
}

func TestChartsRefuseWhatTheyCannotShow(t *testing.T) {
	inf := math.Inf(1)
	bars := func(v Value) *Bars {
		return &Bars{Title: "T", Series: []string{"a"}, Groups: []Group{{"g", []Value{v}}}}
	}
	line := func(x Axis, points ...Point) *Lines {
		return &Lines{Title: "T", X: x, Series: []Line{{"a", points}}}
	}
	for _, tt := range []struct {
		chart Block
		want  string
	}{
		{&Bars{Title: "T"}, "0 series"},
		{&Bars{Title: "T", Series: make([]string, 9)}, "9 series; 1 to 8"},
		{&Bars{Title: "T", Series: []string{"a"}}, "no groups"},
		{&Bars{Title: "T", Series: []string{"a"}, Groups: []Group{{"g", nil}}}, `group "g" has 0 values for 1 series`},
		{bars(Exactly(inf)), `"a" of "g": +Inf`},
		{bars(Exactly(1e200)), "beyond what a chart can show"},
		{bars(Exactly(5e-324)), "beyond what a chart can show"},
		{bars(Exactly(-1)), "below zero"},
		{bars(Value{1, -1, 2}), "below zero"},
		{bars(Value{1, math.NaN(), 2}), "NaN"},
		{bars(Value{1, 2, 3}), "misses its value"},
		{bars(Value{V: 5}), "misses its value"},
		{&Lines{Title: "T"}, "0 series"},
		{line(Axis{}, Point{inf, Exactly(1)}), `point 0 of "a"`},
		{line(Axis{}, Point{math.NaN(), Exactly(1)}), "NaN"},
		{line(Axis{}, Point{1, Exactly(inf)}), "+Inf"},
		{line(Axis{}, Point{2, Exactly(1)}, Point{1, Exactly(1)}), "comes after"},
		{line(Axis{Log: true}, Point{0, Exactly(1)}), "logarithmic"},
		{&Lines{Title: "T", Series: []Line{{"a", nil}}, Marks: []Mark{{inf, "m"}}}, `mark "m"`},
		{&Percentiles{Title: "T"}, "0 series"},
		{&Percentiles{Title: "T", Series: []Distribution{{"a", []Quantile{{1.5, Exactly(1)}}}}}, "no share"},
		{&Percentiles{Title: "T", Series: []Distribution{{"a", []Quantile{{0.9, Exactly(1)}, {0.5, Exactly(1)}}}}}, "comes after"},
	} {
		_, err := tt.chart.html()
		require.ErrorContains(t, err, tt.want)
		require.ErrorContains(t, err, `cannot draw "T"`)
	}
}
