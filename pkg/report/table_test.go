package report

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func engineTable() *Table {
	t := &Table{Caption: "Decode time", Columns: []Column{{Name: "payload"}, {"custom", "ns/op"}, {"std", "ns/op"}, {Name: "note"}}, Rows: [][]Cell{
		{Text("one"), Number(210.456), Number(2600), {}},
		{Text("batch | of 10"), Number(1234.5), Number(1234.5), Text("equal, \"quoted\"")},
		{Text("large"), Number(math.NaN()), Number(1e9), Text("<none> & *so*")},
	}}
	t.MarkBest(Lower)
	return t
}

func TestTableAsText(t *testing.T) {
	var out strings.Builder
	require.NoError(t, engineTable().WriteText(&out))
	assert.Equal(t, `Decode time

payload        custom             std   note
                ns/op           ns/op
─────────────  ───────  ──────────────  ───────────────
one               210*          2,600
batch | of 10   1,230*          1,230*  equal, "quoted"
large               –   1,000,000,000   <none> & *so*
`, out.String())
}

func TestTableAsMarkdown(t *testing.T) {
	var out strings.Builder
	require.NoError(t, engineTable().WriteMarkdown(&out))
	assert.Equal(t, `Decode time

| payload | custom (ns/op) | std (ns/op) | note |
|:---|---:|---:|:---|
| one | **210** | 2,600 |  |
| batch \| of 10 | **1,230** | **1,230** | equal, "quoted" |
| large | – | 1,000,000,000 | &lt;none> &amp; \*so\* |
`, out.String())
}

func TestTableAsCSVKeepsEveryDigit(t *testing.T) {
	var out strings.Builder
	require.NoError(t, engineTable().WriteCSV(&out))
	assert.Equal(t, `payload,custom (ns/op),std (ns/op),note
one,210.456,2600,
batch | of 10,1234.5,1234.5,"equal, ""quoted"""
large,,1e+09,<none> & *so*
`, out.String())
}

func TestMarkBest(t *testing.T) {
	table := &Table{Columns: make([]Column, 3), Rows: [][]Cell{
		{Number(3), Number(9), Number(math.NaN())},
		{Text("name"), Number(5), Number(-1)},
		{Text("alone"), Number(5), Number(math.NaN())},
	}}
	best := func() (marks [][]bool) {
		for _, row := range table.Rows {
			marks = append(marks, []bool{row[0].Best, row[1].Best, row[2].Best})
		}
		return marks
	}
	table.MarkBest(Higher)
	assert.Equal(t, [][]bool{{false, true, false}, {false, true, false}, {false, false, false}}, best())
	table.MarkBest(Lower)
	assert.Equal(t, [][]bool{{true, false, false}, {false, false, true}, {false, false, false}}, best(), "the marks of before are gone")
}

func TestCellsShowWhatTheyAreGiven(t *testing.T) {
	assert.Equal(t, "1,234,567", Count(1234567).text)
	assert.Equal(t, "−1,234", Count(-1234).text)
	assert.Equal(t, "0", Count(0).text)
	shown := Shown(-0.38, "−38%")
	assert.Equal(t, "−38%", shown.text)
	assert.Equal(t, "-0.38", shown.csv())
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestErrorsOfTablesComeOut(t *testing.T) {
	ragged := engineTable()
	ragged.Rows[1] = ragged.Rows[1][:2]
	for _, write := range []func(*Table) error{
		func(t *Table) error { return t.WriteText(&strings.Builder{}) },
		func(t *Table) error { return t.WriteMarkdown(&strings.Builder{}) },
		func(t *Table) error { return t.WriteCSV(&strings.Builder{}) },
		func(t *Table) error { _, err := t.html(); return err },
	} {
		assert.ErrorContains(t, write(ragged), `"Decode time": row 1 has 2 cells for 4 columns`)
	}
	assert.ErrorContains(t, engineTable().WriteText(brokenPipe{}), "broken pipe")
	assert.ErrorContains(t, engineTable().WriteMarkdown(brokenPipe{}), "broken pipe")
	assert.ErrorContains(t, engineTable().WriteCSV(brokenPipe{}), "broken pipe")
}
