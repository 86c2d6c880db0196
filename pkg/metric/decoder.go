package metric

import (
	"errors"
	"fmt"
)

// Decoder parses request bodies. It is not safe for concurrent use: each request in flight holds its own.
type Decoder interface {
	// Decode replaces dst with the metrics in body and does not modify body.
	// The strings in dst, and a returned error, are valid until the next Decode or until body is reused.
	//
	// An error that matches ErrSyntax is a *SyntaxError, one that matches ErrLimit a *LimitError;
	// dst is then unspecified. One that matches ErrSchema is an *InvalidError, and dst then holds
	// the valid metrics in their order.
	Decode(dst *Batch, body []byte) error
}

// The classes of a decoder's errors.
var (
	ErrSyntax = errors.New("body is not JSON by the service's grammar")
	ErrLimit  = errors.New("body is over a limit")
	ErrSchema = errors.New("body is JSON but not metrics")
)

// SyntaxError says where a body breaks the grammar.
type SyntaxError struct {
	Offset int    // in bytes from the start of the body, 0-based
	Detail string // what is wrong there, and what would be right
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Detail, e.Offset) }

// Is makes a SyntaxError match ErrSyntax.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// LimitError says that the body holds more metrics than one request may.
type LimitError struct{ Metrics int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("%d metrics in one request; at most %d are accepted", e.Metrics, MaxMetrics)
}

// Is makes a LimitError match ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// MaxFieldErrors is how many errors an InvalidError lists; the rest are counted.
const MaxFieldErrors = 100

// InvalidError lists what is wrong with the metrics of a body that is well-formed JSON.
type InvalidError struct {
	Fields   []FieldError // the first MaxFieldErrors, in the order of the body
	Rejected int          // metrics that break a rule; 0 when the envelope itself is wrong
}

// Envelope is the Index of a FieldError that concerns the envelope and no single metric.
const Envelope = -1

// FieldError is one broken rule.
type FieldError struct {
	Index  int    // of the metric, 0-based, or Envelope
	Field  string // the member's name as the contract spells it; empty for the metric or document itself
	Code   Code
	Detail string
}

// Code names the kind of rule that a field breaks.
type Code string

// The codes of a FieldError.
const (
	CodeRequired Code = "required" // the member is missing
	CodeType     Code = "type"     // the member has another JSON type
	CodeLength   Code = "length"   // too short or too long
	CodePattern  Code = "pattern"  // the text does not have the required form
	CodeRange    Code = "range"    // the number or time is outside its range
	CodeCount    Code = "count"    // too many or too few of them
)

func (e *InvalidError) Error() string {
	if len(e.Fields) == 0 {
		return ErrSchema.Error()
	}
	f := e.Fields[0]
	if f.Index == Envelope {
		return fmt.Sprintf("%s: %s", f.Field, f.Detail)
	}
	return fmt.Sprintf("metric %d: %s: %s", f.Index, f.Field, f.Detail)
}

// Is makes an InvalidError match ErrSchema.
func (e *InvalidError) Is(target error) bool { return target == ErrSchema }
