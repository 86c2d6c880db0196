package enginetest

import "metricstream/pkg/metric"

// Case is a body and what the contract says of it.
type Case struct {
	Rule     string // the rule of the contract that it shows
	Name     string
	Place    string // where in the request it was put
	Pad      int    // and behind how many bytes
	Body     []byte
	Want     Verdict
	Lines    string  // of the metrics that are kept
	Faults   []Fault // when Want is Schema
	Rejected int     // when it is not the number of metrics in Faults
}

// Fault is what the tables state of a metric.FieldError.
type Fault struct {
	Index int
	Field string
	Code  metric.Code
}

func sameFault(e metric.FieldError, f Fault) bool {
	return f == Fault{Index: e.Index, Field: e.Field, Code: e.Code}
}

func (c *Case) rejected() int {
	if c.Rejected != 0 {
		return c.Rejected
	}
	n, last := 0, metric.Envelope
	for _, f := range c.Faults {
		if f.Index != last {
			n, last = n+1, f.Index
		}
	}
	return n
}

// The metric that carries what is tried elsewhere in a body, and its line.
const (
	plain     = `{"name":"m","value":1,"type":"gauge"}`
	plainLine = `{"timestamp":"` + now + `","name":"m","value":1,"type":"gauge"}` + "\n"
)

// Tables yields the tables' cases as they stand: whole bodies.
func Tables(yield func(*Case) bool) {
	for _, table := range [][]Case{
		documentCases(), spaceCases(), nameCases(), depthCases(), orderCases(),
		fieldCases(), limitCases(), tagCases(), timeCases(), valueCases(),
	} {
		for i := range table {
			if !yield(&table[i]) {
				return
			}
		}
	}
}

func accepted(rule, name, body, lines string) Case {
	return Case{Rule: rule, Name: name, Body: []byte(body), Want: Accept, Lines: lines}
}

func broken(rule, name, body string) Case {
	return Case{Rule: rule, Name: name, Body: []byte(body), Want: Syntax}
}

func invalid(rule, name, body, lines string, faults ...Fault) Case {
	return Case{Rule: rule, Name: name, Body: []byte(body), Want: Schema, Lines: lines, Faults: faults}
}
