package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is numbers and words in rows, to be written as text, Markdown, CSV or HTML.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]Cell // each as long as Columns
}

// Column is the head of a column. A column that holds numbers and nothing else but gaps is aligned to the right.
type Column struct {
	Name string
	Unit string // of the numbers in it; optional
}

func (c Column) head() string {
	if c.Unit == "" {
		return clean(c.Name)
	}
	return clean(c.Name + " (" + c.Unit + ")")
}

// Cell is one field of a table. The zero Cell is an empty one.
type Cell struct {
	text   string
	value  float64
	number bool
	Best   bool // marked as the best of its row or column
}

// Text is a cell of words.
func Text(s string) Cell { return Cell{text: clean(s)} }

// Number is a cell that shows three significant digits of v and keeps all of them for CSV; NaN is a gap.
func Number(v float64) Cell { return Shown(v, Digits(v)) }

// Count is a cell that shows a whole number to its last digit.
func Count(n int) Cell {
	if n < 0 {
		return Shown(float64(n), "−"+group(strconv.Itoa(n)[1:]))
	}
	return Shown(float64(n), group(strconv.Itoa(n)))
}

// Shown is a cell with the number v that reads as the caller has formatted it.
func Shown(v float64, display string) Cell { return Cell{text: clean(display), value: v, number: true} }

// Better says which end of a scale is the good one.
type Better int

// The two ends.
const (
	Lower  Better = iota // as of times
	Higher               // as of rates
)

// MarkBest marks the best number of each row, and those that equal it.
// A row with fewer than two numbers has no best.
func (t *Table) MarkBest(better Better) {
	for _, row := range t.Rows {
		best, numbers := math.NaN(), 0
		for _, c := range row {
			if !c.number || math.IsNaN(c.value) {
				continue
			}
			numbers++
			if math.IsNaN(best) || better == Lower && c.value < best || better == Higher && c.value > best {
				best = c.value
			}
		}
		for i := range row {
			row[i].Best = numbers > 1 && row[i].number && row[i].value == best
		}
	}
}

func (t *Table) check() error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("cannot write table %q: row %d has %d cells for %d columns", clean(t.Caption), i, len(row), len(t.Columns))
		}
	}
	return nil
}

// numeric reports whether column i is to be aligned to the right.
func (t *Table) numeric(i int) bool {
	any := false
	for _, row := range t.Rows {
		if !row[i].number && row[i].text != "" {
			return false
		}
		any = any || row[i].number
	}
	return any
}

// WriteText writes the table for a terminal; a best number has a star behind it.
func (t *Table) WriteText(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	mark := func(c Cell, numeric bool) string {
		switch {
		case c.Best:
			return c.text + "*"
		case numeric: // keeps the digits in line with those that have a star
			return c.text + " "
		}
		return c.text
	}
	var heads [2][]Cell // the unit stands under the name, which keeps the columns narrow
	units := false
	for _, c := range t.Columns {
		heads[0], heads[1] = append(heads[0], Text(c.Name)), append(heads[1], Text(c.Unit))
		units = units || c.Unit != ""
	}
	widths := make([]int, len(t.Columns))
	for i := range t.Columns {
		widths[i] = max(utf8.RuneCountInString(heads[0][i].text), utf8.RuneCountInString(heads[1][i].text))
		if t.numeric(i) {
			widths[i]++
		}
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(mark(row[i], t.numeric(i))))
		}
	}
	var out strings.Builder
	line := func(field func(i int) string) {
		var fields strings.Builder
		for i, width := range widths {
			if i > 0 {
				fields.WriteString("  ")
			}
			s := field(i)
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(s))
			if t.numeric(i) {
				fields.WriteString(pad + s)
			} else {
				fields.WriteString(s + pad)
			}
		}
		out.WriteString(strings.TrimRight(fields.String(), " ") + "\n")
	}
	if t.Caption != "" {
		out.WriteString(clean(t.Caption) + "\n\n")
	}
	line(func(i int) string { return mark(heads[0][i], t.numeric(i)) })
	if units {
		line(func(i int) string { return mark(heads[1][i], t.numeric(i)) })
	}
	line(func(i int) string { return strings.Repeat("─", widths[i]) })
	for _, row := range t.Rows {
		line(func(i int) string { return mark(row[i], t.numeric(i)) })
	}
	_, err := io.WriteString(w, out.String())
	return err
}

var markdown = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `<`, `&lt;`, `&`, `&amp;`, `*`, `\*`, `_`, `\_`, "`", "\\`", `[`, `\[`, `~`, `\~`)

// WriteMarkdown writes the table in GitHub's Markdown; a best number is bold.
func (t *Table) WriteMarkdown(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	var out strings.Builder
	if t.Caption != "" {
		out.WriteString(markdown.Replace(clean(t.Caption)) + "\n\n")
	}
	for _, c := range t.Columns {
		out.WriteString("| " + markdown.Replace(c.head()) + " ")
	}
	out.WriteString("|\n")
	for i := range t.Columns {
		if t.numeric(i) {
			out.WriteString("|---:")
		} else {
			out.WriteString("|:---")
		}
	}
	out.WriteString("|\n")
	for _, row := range t.Rows {
		for _, c := range row {
			text := markdown.Replace(c.text)
			if c.Best {
				text = "**" + text + "**"
			}
			out.WriteString("| " + text + " ")
		}
		out.WriteString("|\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// WriteCSV writes the heads and the rows (RFC 4180), numbers in full; a gap is an empty field.
func (t *Table) WriteCSV(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	fields := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = c.head()
	}
	_ = out.Write(fields) // the first error sticks to the writer
	for _, row := range t.Rows {
		for i, c := range row {
			fields[i] = c.csv()
		}
		_ = out.Write(fields)
	}
	out.Flush()
	return out.Error()
}

func (c Cell) csv() string {
	switch {
	case !c.number:
		return c.text
	case math.IsNaN(c.value):
		return ""
	}
	return raw(c.value)
}
