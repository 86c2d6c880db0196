// Package report writes what was measured: tables as text, Markdown and CSV, and self-contained HTML pages with charts
// as inline SVG, which need neither network nor scripts. Every number in a table cell or in a chart stands in full in
// its element's data-value (with data-low, data-high, data-series and data-label), so that a page can be checked.
//
// What the caller gives as text is text: it is escaped everywhere.
package report

import (
	_ "embed" // for the page's template and style
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Page is one HTML document.
type Page struct {
	Title    string
	Subtitle string // when, where and on what it was measured
	Sections []Section
}

// Section is a heading and what stands under it.
type Section struct {
	Heading string
	Blocks  []Block
}

// Block is a part of a section: a Verdict, a Paragraph, a *Table, *Bars, *Lines or *Percentiles.
type Block interface{ html() (template.HTML, error) }

// Verdict is a sentence that answers the section's question, set so that it is read first.
type Verdict string

// Paragraph is running text.
type Paragraph string

var (
	//go:embed page.html
	pageSource string
	//go:embed style.css
	style string

	templates = template.Must(template.New("page").Funcs(template.FuncMap{"clean": clean}).Parse(pageSource))
)

// WriteHTML writes the page. On an error of its own making it has written nothing.
func (p *Page) WriteHTML(w io.Writer) error {
	type section struct {
		ID, Heading string
		Blocks      []template.HTML
	}
	sections := make([]section, len(p.Sections))
	for i, s := range p.Sections {
		sections[i] = section{ID: fmt.Sprintf("section-%d", i+1), Heading: s.Heading}
		for _, block := range s.Blocks {
			content, err := block.html()
			if err != nil {
				return fmt.Errorf("section %q: %w", clean(s.Heading), err)
			}
			sections[i].Blocks = append(sections[i].Blocks, content)
		}
	}
	content, err := execute("page", map[string]any{
		"Title": p.Title, "Subtitle": p.Subtitle, "Sections": sections, "Style": template.CSS(style),
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, string(content))
	return err
}

func (v Verdict) html() (template.HTML, error)   { return execute("verdict", string(v)) }
func (p Paragraph) html() (template.HTML, error) { return execute("paragraph", string(p)) }

func (t *Table) html() (template.HTML, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	type field struct {
		Text, Unit, Value   string
		Number, Right, Best bool
	}
	var heads []field
	for i, c := range t.Columns {
		heads = append(heads, field{Text: clean(c.Name), Unit: clean(c.Unit), Right: t.numeric(i)})
	}
	var rows [][]field
	for _, cells := range t.Rows {
		var row []field
		for i, c := range cells {
			row = append(row, field{Text: c.text, Value: c.csv(), Number: c.number, Right: heads[i].Right, Best: c.Best})
		}
		rows = append(rows, row)
	}
	return execute("table", map[string]any{"Caption": t.Caption, "Heads": heads, "Rows": rows})
}

func execute(name string, data any) (template.HTML, error) {
	var out strings.Builder
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("cannot write the %s: %w", name, err)
	}
	return template.HTML(out.String()), nil
}
