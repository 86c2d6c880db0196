// Package enginetest is the conformance suite of the JSON engines: tables that name each rule of the contract's
// grammar and of each field, with accepted and rejected bodies; those bodies at many positions and lengths;
// hostile bodies; numbers against strconv; and a generator of random bodies for differential tests.
// Only tests import it.
//
// The tables hold some 5,900 whole bodies. Some 1,800 fragments of JSON besides are each tried at every place of
// a request (43,000 bodies), and behind every padding from 0 to 70 bytes (127,000), and the contents of strings
// at the end of strings of up to 130 bytes (58,000), because the faults of code that works on 8 to 64 bytes at once
// depend on position and length. With 200,000 numbers, and a hundred bodies of a mebibyte, a run takes one to three
// seconds. Under the race detector it takes every ninth padding and number only, and smaller hostile bodies.
package enginetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// Run holds an engine to the contract. All of it but the hostile bodies runs on one decoder and one batch,
// so that whatever a body leaves behind in them shows in the next. A decoder may allocate maxAlloc bytes for a
// body of 1 MiB.
func Run(t *testing.T, newDecoder func() metric.Decoder, maxAlloc uint64) {
	o := NewObserver(newDecoder())
	for _, part := range []struct {
		name  string
		check func(require.TestingT, *Observer)
	}{
		{"tables", checkTables},
		{"placements", checkPlacements},
		{"paddings", checkPaddings},
		{"lengths", checkLengths},
		{"truncated", checkTruncated},
		{"ghosts", checkGhosts},
		{"borrowing", checkBorrowing},
		{"sizes", checkSizes},
		{"numbers", checkNumbers},
	} {
		t.Run(part.name, func(t *testing.T) { part.check(t, o) })
	}
	t.Run("hostile", func(t *testing.T) { checkHostile(t, NewObserver(newDecoder()), maxAlloc) })
}

// Scale returns how many of n bodies a test should try: all, or a part under the race detector.
func Scale(n uint64) uint64 { return n / stride }

// maxReports is how many failures one part of the suite reports before it stops.
const maxReports = 10

// checkAll runs the cases.
func checkAll(t require.TestingT, o *Observer, cases func(yield func(*Case) bool)) {
	reports := 0
	for c := range cases {
		if err := o.Check(c); err != nil {
			t.Errorf("%v", err)
			if reports++; reports == maxReports {
				t.FailNow()
			}
		}
	}
}

func checkTables(t require.TestingT, o *Observer) { checkAll(t, o, Tables) }

func checkPlacements(t require.TestingT, o *Observer) { checkAll(t, o, Placements) }

func checkPaddings(t require.TestingT, o *Observer) { checkAll(t, o, paddings) }

func checkLengths(t require.TestingT, o *Observer) { checkAll(t, o, lengths) }

// checkTruncated holds that no proper prefix of a body is a body.
func checkTruncated(t require.TestingT, o *Observer) {
	checkAll(t, o, func(yield func(*Case) bool) {
		for _, full := range representative() {
			if full.Want == Syntax || len(full.Body) > 2000 {
				continue
			}
			body := bytes.TrimRight(full.Body, " \t\r\n")
			for n := range len(body) {
				if !yield(&Case{Rule: "a body is whole", Name: full.Name, Pad: n, Body: body[:n], Want: Syntax}) {
					return
				}
			}
		}
	})
}

// checkGhosts holds that nothing of one body shows in the next: every ordered pair of very different bodies.
func checkGhosts(t require.TestingT, o *Observer) {
	checkAll(t, o, func(yield func(*Case) bool) {
		cases := representative()
		for i := range cases {
			for j := range cases {
				after := cases[j]
				after.Name += " after " + cases[i].Name
				if !yield(&cases[i]) || !yield(&after) {
					return
				}
			}
		}
	})
}

// checkBorrowing holds that encoded lines share no memory with the body,
// and that what a decoder keeps of a body that was overwritten does not show in the next.
func checkBorrowing(t require.TestingT, o *Observer) {
	for range 3 {
		for _, c := range representative() {
			got := o.Observe(c.Body)
			for i := range o.memory {
				o.memory[i] = '!'
			}
			if got.Verdict != c.Want || string(got.Lines) != c.Lines {
				t.Errorf("%s: after the body was overwritten, the lines are %q; want %q", c.Name, got.Lines, c.Lines)
			}
		}
	}
}

// checkSizes holds batches of 1 to 200 metrics, every one of them different.
func checkSizes(t require.TestingT, o *Observer) {
	checkAll(t, o, func(yield func(*Case) bool) {
		for n := 1; n <= 200; n++ {
			c := sized(n)
			if !yield(&c) {
				return
			}
		}
	})
}

// sized returns a body of n metrics with 0 to 4 tags each.
func sized(n int) Case {
	var body, lines bytes.Buffer
	body.WriteString(`{"metrics":[`)
	for i := range n {
		if i > 0 {
			body.WriteByte(',')
		}
		var tags string
		for k := range (i + n) % 5 {
			if k > 0 {
				tags += ","
			}
			tags += fmt.Sprintf(`"k%d":"v%d"`, k, i*n)
		}
		fmt.Fprintf(&body, `{"name":"size.%d","value":%d.5,"type":"histogram","timestamp":%d,"tags":{%s}}`, i, i, i, tags)
		if tags != "" {
			tags = `,"tags":{` + tags + `}`
		}
		fmt.Fprintf(&lines, `{"timestamp":"1970-01-01T00:00:00.%03dZ","name":"size.%d","value":%d.5,"type":"histogram"%s}`+"\n", i, i, i, tags)
	}
	body.WriteString(`]}`)
	return Case{Rule: "a request has 1 to 10,000 metrics", Name: "batch", Pad: n, Body: body.Bytes(), Want: Accept, Lines: lines.String()}
}
