package report

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// element is one element of a page that has been read back.
type element struct {
	name     string
	attrs    map[string]string
	text     string // of the element and all in it
	parent   *element
	children []*element
}

func (e *element) has(class string) bool {
	return strings.Contains(" "+e.attrs["class"]+" ", " "+class+" ")
}

func (e *element) number(t *testing.T, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attrs[name], 64)
	require.NoError(t, err, "%s of <%s>", name, e.name)
	return v
}

// all returns the elements in e, in their order, for which keep holds.
func (e *element) all(keep func(*element) bool) (found []*element) {
	for _, c := range e.children {
		if keep(c) {
			found = append(found, c)
		}
		found = append(found, c.all(keep)...)
	}
	return found
}

func named(name string) func(*element) bool { return func(e *element) bool { return e.name == name } }
func class(c string) func(*element) bool    { return func(e *element) bool { return e.has(c) } }

// read parses a page. Pages are well-formed XML as well as HTML, so that a strict parser finds what a browser would mend.
func read(t *testing.T, page string) *element {
	t.Helper()
	root := &element{}
	at := root
	decoder := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}, parent: at}
			for _, a := range token.Attr {
				require.NotContains(t, e.attrs, a.Name.Local, "an attribute given twice")
				e.attrs[a.Name.Local] = a.Value
			}
			at.children = append(at.children, e)
			at = e
		case xml.EndElement:
			at = at.parent
		case xml.CharData:
			for e := at; e != nil; e = e.parent {
				e.text += string(token)
			}
		}
	}
	return root
}

func render(t *testing.T, p *Page) *element {
	t.Helper()
	var out strings.Builder
	require.NoError(t, p.WriteHTML(&out))
	return read(t, out.String())
}

// show renders a page of one block.
func show(t *testing.T, b Block) *element {
	t.Helper()
	return render(t, &Page{Title: "t", Sections: []Section{{"s", []Block{b}}}})
}

func TestPageHoldsWhatItIsGiven(t *testing.T) {
	page := render(t, examplePage())
	assert.Equal(t, "Which JSON engine?", page.all(named("h1"))[0].text)
	var headings []string
	for _, h := range page.all(named("h2")) {
		headings = append(headings, h.text)
	}
	assert.Equal(t, []string{"Verdict", "Decode", "Service", "Environment"}, headings)
	for i, link := range page.all(named("a")) {
		target := strings.TrimPrefix(link.attrs["href"], "#")
		sections := page.all(func(e *element) bool { return e.attrs["id"] == target })
		require.Len(t, sections, 1)
		assert.Contains(t, sections[0].text, headings[i])
	}
	assert.Len(t, page.all(named("a")), 4)
	assert.Len(t, page.all(class("verdict")), 2)
	assert.Len(t, page.all(named("table")), 2)
	for _, svg := range page.all(named("svg")) {
		assert.Equal(t, "img", svg.attrs["role"])
		assert.NotEmpty(t, svg.attrs["viewBox"])
		require.Equal(t, "title", svg.children[0].name)
		assert.NotEmpty(t, svg.children[0].text)
		require.Equal(t, "desc", svg.children[1].name)
		assert.NotEmpty(t, svg.children[1].text)
	}
	assert.Len(t, page.all(named("svg")), 4)
}

func TestTheChartHoldsTheTablesNumbers(t *testing.T) {
	page := render(t, examplePage())
	table := page.all(named("table"))[0]
	var engines []string
	for _, head := range table.all(func(e *element) bool { return e.name == "th" && e.attrs["scope"] == "col" })[1:] {
		engines = append(engines, strings.TrimSuffix(head.text, "ns/metric"))
	}
	want := map[[2]string]string{}
	best := 0
	for _, row := range table.all(named("tbody"))[0].all(named("tr")) {
		payload := row.all(named("th"))[0].text
		for i, cell := range row.all(named("td")) {
			assert.True(t, cell.has("right"))
			if v, measured := cell.attrs["data-value"]; measured {
				want[[2]string{payload, engines[i]}] = v
			}
			if cell.has("best") {
				best++
			}
		}
	}
	assert.Equal(t, 13, best, "one in each row")
	assert.Len(t, want, 7*13-1, "one was not measured")
	got := map[[2]string]string{}
	for _, mark := range page.all(named("svg"))[0].all(class("mark")) {
		got[[2]string{mark.attrs["data-label"], mark.attrs["data-series"]}] = mark.attrs["data-value"]
		assert.Less(t, mark.number(t, "data-low"), mark.number(t, "data-value"))
		assert.Greater(t, mark.number(t, "data-high"), mark.number(t, "data-value"))
	}
	assert.Equal(t, want, got)
}

func TestPageNeedsNoNetworkAndNoScript(t *testing.T) {
	var out strings.Builder
	require.NoError(t, examplePage().WriteHTML(&out))
	for _, forbidden := range []string{"http:", "https:", "//", "src=", "url(", "@import", "<script", "<link", "xlink", "ZgotmplZ"} {
		assert.NotContains(t, out.String(), forbidden)
	}
	assert.Contains(t, out.String(), `content="default-src 'none'; style-src 'unsafe-inline'"`)
	assert.Contains(t, out.String(), "prefers-color-scheme: dark")
}

func TestHostileTextStaysText(t *testing.T) {
	const hostile = "</title></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x00\x1b\u202e\xff{{.}}"
	v := []Value{{V: 2, Low: 1, High: 3}}
	page := render(t, &Page{Title: hostile, Subtitle: hostile, Sections: []Section{
		{hostile, []Block{Verdict(hostile), Paragraph(hostile),
			&Table{Caption: hostile, Columns: []Column{{hostile, hostile}, {hostile, hostile}}, Rows: [][]Cell{{Text(hostile), Shown(1, hostile)}}},
			&Bars{Title: hostile, Description: hostile, Axis: Axis{hostile, hostile, false}, Series: []string{hostile}, Groups: []Group{{hostile, v}}},
			&Bars{Title: hostile, Description: hostile, Axis: Axis{hostile, hostile, true}, Series: []string{hostile}, Groups: []Group{{hostile, v}}},
			&Lines{Title: hostile, Description: hostile, X: Axis{hostile, hostile, false}, Y: Axis{hostile, hostile, false},
				Series: []Line{{hostile, []Point{{1, v[0]}}}}, Marks: []Mark{{1, hostile}}},
			&Percentiles{Title: hostile, Description: hostile, Y: Axis{hostile, hostile, false}, Series: []Distribution{{hostile, []Quantile{{0.5, v[0]}}}}},
		}}, {hostile, nil}, {hostile, nil}, {hostile, nil}}})
	assert.Empty(t, page.all(func(e *element) bool { return e.name == "script" || e.name == "img" || e.attrs["onerror"] != "" }))
	assert.Equal(t, clean(hostile), page.all(named("h1"))[0].text)
	for _, mark := range page.all(class("mark")) {
		assert.Equal(t, clean(hostile), mark.attrs["data-series"], "whole, even where the drawn name is cut")
	}
	assert.Len(t, page.all(class("mark")), 4)
}

func TestErrorsOfPagesComeOut(t *testing.T) {
	var out strings.Builder
	err := (&Page{Sections: []Section{{"Decode", []Block{Paragraph("fine"), &Bars{Title: "empty"}}}}}).WriteHTML(&out)
	assert.ErrorContains(t, err, `section "Decode": cannot draw "empty"`)
	assert.Empty(t, out.String(), "nothing is written of a page that fails")
	assert.ErrorContains(t, examplePage().WriteHTML(brokenPipe{}), "broken pipe")
	_, err = execute("no such template", nil)
	assert.ErrorContains(t, err, "cannot write the no such template")
}

func TestTheStyleIsReadable(t *testing.T) {
	light, dark := palette(t, style[:strings.Index(style, "@media")]), palette(t, style[strings.Index(style, "@media"):strings.Index(style, "* {")])
	for _, colours := range []map[string]float64{light, dark} {
		require.Len(t, colours, 6+maxSeries)
		contrast := func(name string) float64 {
			a, b := colours[name]+0.05, colours["paper"]+0.05
			return max(a, b) / min(a, b)
		}
		for name, least := range map[string]float64{"ink": 7, "soft": 4.5, "accent": 4.5} { // text: WCAG 2.2, 1.4.3 and 1.4.6
			assert.GreaterOrEqual(t, contrast(name), least, name)
		}
		for i := range maxSeries { // graphics: WCAG 2.2, 1.4.11
			assert.GreaterOrEqual(t, contrast("s"+strconv.Itoa(i)), 3.0, "series %d", i)
		}
	}
}
