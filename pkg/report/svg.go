package report

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxSeries is how many colours stay apart for every reader.
const maxSeries = 8

// width of every chart's drawing, in its own units. At the page's full width one unit is one CSS pixel.
const width = 720

// drawing is an SVG in the making. All text and attributes go through it, and it escapes them.
type drawing struct{ strings.Builder }

// attr is the name and the value, a string, an int or a float64, of each attribute in turn.
type attr = []any

func (d *drawing) open(name string, a attr) { d.tag(name, a, ">") }
func (d *drawing) close(name string)        { d.WriteString("</" + name + ">\n") }
func (d *drawing) leaf(name string, a attr) { d.tag(name, a, "/>\n") }

func (d *drawing) tag(name string, a attr, end string) {
	d.WriteString("<" + name)
	for i := 0; i+1 < len(a); i += 2 {
		d.WriteString(" " + a[i].(string) + `="`)
		switch v := a[i+1].(type) {
		case string:
			d.WriteString(html.EscapeString(clean(v)))
		case int:
			d.WriteString(strconv.Itoa(v))
		case float64:
			d.WriteString(strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64))
		}
		d.WriteString(`"`)
	}
	d.WriteString(end)
}

// text writes an element that holds words alone.
func (d *drawing) text(name, words string, a attr) {
	d.open(name, a)
	d.WriteString(html.EscapeString(clean(words)))
	d.close(name)
}

// mark opens the group of one plotted number: its colour, and the number in full for whoever checks or scripts the chart.
// Its title, with the words for where the number stands, is what a pointer shows.
func (d *drawing) mark(series int, name, label, words string, v Value, unit string) {
	a := attr{"class", "mark s" + strconv.Itoa(series), "data-series", name, "data-label", label, "data-value", raw(v.V)}
	tip := name + ", " + words + ": " + SI(v.V, unit)
	if v.interval() {
		a = append(a, "data-low", raw(v.Low), "data-high", raw(v.High))
		tip += " (" + SI(v.Low, unit) + " to " + SI(v.High, unit) + ")"
	}
	d.open("g", a)
	d.text("title", tip, nil)
}

// figure sets the drawing of the given height into the frame that every chart has.
func figure(title, description string, height float64, d *drawing) template.HTML {
	var f drawing
	f.open("figure", nil)
	f.open("figcaption", nil)
	f.text("strong", title, nil)
	if description != "" {
		f.text("span", description, nil)
	}
	f.close("figcaption")
	f.open("svg", attr{"viewBox", "0 0 " + strconv.Itoa(width) + " " + strconv.Itoa(int(math.Ceil(height))), "role", "img", "class", "chart"})
	f.text("title", title, nil)
	f.text("desc", description, nil)
	f.WriteString(d.String())
	f.close("svg")
	f.close("figure")
	return template.HTML(f.String())
}

// textWidth is about as wide as words become on a narrow screen, where the style enlarges them.
func textWidth(words string) float64 { return 11.2 * float64(utf8.RuneCountInString(words)) }

// fit shortens words to what has room; the element's data attributes keep them whole.
func fit(words string, room float64) string {
	runes := []rune(clean(words))
	if n := int(room / textWidth("m")); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return string(runes)
}

// nameRoom is the width of a column that holds the names, within limits.
func nameRoom(names []string) float64 {
	room := 104.0
	for _, name := range names {
		room = max(room, textWidth(name))
	}
	return min(room, 240)
}
