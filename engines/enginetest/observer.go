package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"metricstream/pkg/metric"
)

// Verdict is the class of what a decoder says of a body.
type Verdict int

// The verdicts. Broken is none that the contract knows.
const (
	Broken Verdict = iota
	Accept
	Syntax
	Limit
	Schema
)

// String returns the verdict's name.
func (v Verdict) String() string {
	return [...]string{"broken", "accept", "syntax", "limit", "schema"}[v]
}

// Outcome is all that a decoder lets be seen of one body. It is valid until the observer's next Observe.
type Outcome struct {
	Verdict  Verdict
	Lines    []byte // of the accepted metrics, when the verdict is Accept or Schema
	Fields   []metric.FieldError
	Rejected int
	Complain string // which promise about the outcome itself was not kept, if any
}

// Diff says how two engines' outcomes differ; it is empty when they do not. Offsets and details of syntax errors
// are each engine's own.
func Diff(a, b *Outcome) string {
	switch {
	case a.Verdict != b.Verdict:
		return fmt.Sprintf("%v and %v", a.Verdict, b.Verdict)
	case !bytes.Equal(a.Lines, b.Lines):
		return fmt.Sprintf("lines %q and %q", a.Lines, b.Lines)
	case !slices.Equal(a.Fields, b.Fields):
		return fmt.Sprintf("errors %+v and %+v", a.Fields, b.Fields)
	case a.Rejected != b.Rejected:
		return fmt.Sprintf("%d and %d rejected", a.Rejected, b.Rejected)
	}
	return ""
}

// received is the time of receipt of every body here, and now the same in a line.
const (
	received = 1735787045678000000
	now      = "2025-01-02T03:04:05.678Z"
)

// Observer runs bodies through one decoder, with one batch.
type Observer struct {
	decoder metric.Decoder
	batch   metric.Batch
	memory  []byte // the decoder's copy of the body, with remains of earlier bodies behind it
	lines   []byte
	outcome Outcome
}

// NewObserver returns an Observer of d.
func NewObserver(d metric.Decoder) *Observer { return &Observer{decoder: d} }

// Observe decodes body.
func (o *Observer) Observe(body []byte) *Outcome {
	o.memory = append(o.memory[:0], body...)
	text := o.memory[:len(body):len(body)]
	err := o.decoder.Decode(&o.batch, text)
	o.outcome = Outcome{}
	o.classify(err, len(body))
	if !bytes.Equal(text, body) {
		o.outcome.Complain = "the body was modified"
	}
	return &o.outcome
}

func (o *Observer) classify(err error, size int) {
	out := &o.outcome
	var syntax *metric.SyntaxError
	var limit *metric.LimitError
	var invalid *metric.InvalidError
	switch {
	case err == nil:
		out.Verdict = Accept
	case errors.As(err, &syntax):
		out.Verdict = Syntax
		if syntax.Offset < 0 || syntax.Offset > size || syntax.Detail == "" {
			out.Complain = fmt.Sprintf("syntax error %+v in a body of %d bytes", *syntax, size)
		}
	case errors.As(err, &limit):
		out.Verdict = Limit
		if limit.Metrics <= metric.MaxMetrics {
			out.Complain = fmt.Sprintf("limit error for %d metrics", limit.Metrics)
		}
	case errors.As(err, &invalid):
		out.Verdict = Schema
		out.Fields, out.Rejected = invalid.Fields, invalid.Rejected
		if n := len(invalid.Fields); n == 0 || n > metric.MaxFieldErrors {
			out.Complain = fmt.Sprintf("%d field errors", n)
		}
		if slices.ContainsFunc(invalid.Fields, func(f metric.FieldError) bool { return f.Detail == "" }) {
			out.Complain = "a field error without a detail"
		}
	default:
		out.Complain = "error of no class: " + err.Error()
	}
	if out.Verdict == Accept || out.Verdict == Schema {
		o.batch.Received = received
		o.lines = o.batch.AppendJSONLines(o.lines[:0])
		out.Lines = o.lines
	}
}

// Check returns how the decoder's outcome for c differs from what c wants, or nil.
func (o *Observer) Check(c *Case) error {
	out := o.Observe(c.Body)
	var wrong string
	switch {
	case out.Complain != "":
		wrong = out.Complain
	case out.Verdict != c.Want:
		wrong = fmt.Sprintf("verdict %v %s; want %v", out.Verdict, firstError(out), c.Want)
	case string(out.Lines) != c.Lines:
		wrong = fmt.Sprintf("lines %s; want %s", abridged(out.Lines), abridged([]byte(c.Lines)))
	case !slices.EqualFunc(out.Fields, c.Faults, sameFault):
		wrong = fmt.Sprintf("errors %+v; want %+v", out.Fields, c.Faults)
	case out.Rejected != c.rejected():
		wrong = fmt.Sprintf("%d metrics rejected; want %d", out.Rejected, c.rejected())
	default:
		return nil
	}
	return fmt.Errorf("%s: %s (%s, %d): %s\nbody: %s", c.Rule, c.Name, c.Place, c.Pad, wrong, abridged(c.Body))
}

func firstError(out *Outcome) string {
	if len(out.Fields) == 0 {
		return ""
	}
	return fmt.Sprintf("%+v", out.Fields[0])
}

// abridged returns b quoted, without its middle when it is long.
func abridged(b []byte) string {
	if len(b) <= 800 {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%q … %q (%d bytes)", b[:400], b[len(b)-400:], len(b))
}
