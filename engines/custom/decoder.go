// Package custom is MetricStream's own JSON decoder: one pass over the body, written for the one schema that the
// service takes. Strings are borrowed from the body, numbers are exact, and nothing is allocated in steady state.
// Everything in the body is checked, ignored members included.
package custom

import (
	"encoding/binary"
	"math/bits"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// Decoder implements metric.Decoder. Strings without escapes are borrowed from the body, others from the decoder's
// scratch; both, and a returned error, are valid until the next Decode or until the body is reused.
type Decoder struct {
	scratch []byte                 // unescaped strings; grows only by appending, so that strings in it stay as they are
	unknown [3]guard.NameSet       // names seen in the open envelope and metric, and keys of tags beyond the limit
	found   int                    // metrics in the body so far, rejected ones too
	leads   [metric.MaxTags]uint64 // leading bytes of the keys of the open metric's tags, in their order
	day     day

	fault guard.Fault // what ended the parse, if anything did
	at    int         // its place

	syntax  metric.SyntaxError
	limit   metric.LimitError
	invalid metric.InvalidError
}

// The scopes of unknown names.
const (
	inEnvelope = iota
	inMetric
	inTags
)

// Depths of the values that the decoder steps over.
const (
	depthInEnvelope = 2
	depthElement    = 3
	depthInMetric   = 4
	depthInTags     = 5
)

// keptScratch is how large the scratch may have grown and still be kept for the next body.
const keptScratch = 1 << 20

// New returns a Decoder.
func New() *Decoder { return &Decoder{day: epoch} }

// Decode implements metric.Decoder.
func (d *Decoder) Decode(dst *metric.Batch, body []byte) error {
	dst.Reset()
	d.reset()
	if d.document(dst, body) < 0 {
		d.syntax = metric.SyntaxError{Offset: d.at, Detail: d.fault.String()}
		return &d.syntax
	}
	if d.found > metric.MaxMetrics {
		d.limit.Metrics = d.found
		return &d.limit
	}
	if len(d.invalid.Fields) != 0 {
		return &d.invalid
	}
	return nil
}

func (d *Decoder) reset() {
	d.found = 0
	d.scratch = d.scratch[:0]
	if cap(d.scratch) > keptScratch {
		d.scratch = nil
	}
	if d.fault != 0 { // a refused body left its scopes open
		d.fault = 0
		for i := range d.unknown {
			d.unknown[i].Reset()
		}
	}
	if len(d.invalid.Fields) != 0 {
		clear(d.invalid.Fields)
		d.invalid.Fields = d.invalid.Fields[:0]
		d.invalid.Rejected = 0
	}
}

// The functions below take the index at which they start and return the index after what they parsed,
// or, having noted a fault, a negative one.

func (d *Decoder) fail(at int, fault guard.Fault) int {
	d.at, d.fault = at, fault
	return -1
}

// skip steps over the value at b[i] with full checking.
func (d *Decoder) skip(b []byte, i, depth int) int {
	next, fault := guard.SkipValue(b, i, depth)
	if fault != 0 {
		return d.fail(next, fault)
	}
	return next
}

func (d *Decoder) document(dst *metric.Batch, b []byte) int {
	i := guard.SkipSpace(b, 0)
	if i < len(b) && b[i] == '{' {
		i = d.envelope(dst, b, i)
	} else {
		start := i
		if i = d.skip(b, i, 1); i >= 0 {
			d.reject("", metric.CodeType, kind(b[start:])+"; an object with the member metrics is required")
		}
	}
	if i < 0 {
		return i
	}
	if i = guard.SkipSpace(b, i); i < len(b) {
		return d.fail(i, guard.FaultTrailing)
	}
	return i
}

// envelope parses the object that opens at b[i].
func (d *Decoder) envelope(dst *metric.Batch, b []byte, i int) int {
	seen := false
	i = guard.SkipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		i++
	} else {
		for {
			start := i
			var name string
			if name, i = d.memberName(b, i); i < 0 {
				return i
			}
			switch {
			case name != "metrics":
				if !d.unknown[inEnvelope].Add(name) {
					return d.fail(start, guard.FaultRepeated)
				}
				i = d.skip(b, i, depthInEnvelope)
			case seen:
				return d.fail(start, guard.FaultRepeated)
			default:
				seen = true
				i = d.metrics(dst, b, i)
			}
			if i < 0 {
				return i
			}
			i = guard.SkipSpace(b, i)
			if i >= len(b) || b[i] != ',' && b[i] != '}' {
				return d.fail(i, guard.FaultObjectEnd)
			}
			i++
			if b[i-1] == '}' {
				break
			}
			i = guard.SkipSpace(b, i)
		}
		d.unknown[inEnvelope].Reset()
	}
	if !seen {
		d.reject("metrics", metric.CodeRequired, "is missing; an array of metrics is required")
	}
	return i
}

// metrics parses the value of the member metrics.
func (d *Decoder) metrics(dst *metric.Batch, b []byte, i int) int {
	if i >= len(b) || b[i] != '[' {
		start := i
		if i = d.skip(b, i, depthInEnvelope); i >= 0 {
			d.reject("metrics", metric.CodeType, kind(b[start:])+"; an array of metrics is required")
		}
		return i
	}
	i = guard.SkipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		d.reject("metrics", metric.CodeCount, "is empty; at least one metric is required")
		return i + 1
	}
	for {
		start, tags := i, len(dst.Tags)
		valid := false
		if i < len(b) && b[i] == '{' {
			i, valid = d.metric(dst, b, i)
		} else {
			i = d.skip(b, i, depthElement)
		}
		if i < 0 {
			return i
		}
		switch {
		case !valid:
			dst.Truncate(len(dst.Metrics), tags)
			d.explain(b[start:i])
		case d.found >= metric.MaxMetrics: // from here on the rest is only checked
			dst.Truncate(len(dst.Metrics)-1, tags)
		}
		d.found++
		if i >= len(b) || b[i] != ',' {
			i = guard.SkipSpace(b, i)
			if i >= len(b) || b[i] != ',' && b[i] != ']' {
				return d.fail(i, guard.FaultArrayEnd)
			}
			if b[i] == ']' {
				return i + 1
			}
		}
		if i++; i >= len(b) || b[i] <= ' ' {
			i = guard.SkipSpace(b, i)
		}
	}
}

// memberName parses a member's name at b[i] and its colon, up to the value.
func (d *Decoder) memberName(b []byte, i int) (string, int) {
	if i >= len(b) || b[i] != '"' {
		return "", d.fail(i, guard.FaultName)
	}
	name, i := d.text(b, i+1)
	if i < 0 {
		return "", i
	}
	next, fault := guard.SkipColon(b, i)
	if fault != 0 {
		return "", d.fail(next, fault)
	}
	return name, next
}

// text parses the string whose opening quote is at b[i-1].
//
// Most strings end within sixteen bytes, and where in them is nothing that a branch predictor could learn. So both
// words are looked at before the one branch.
func (d *Decoder) text(b []byte, i int) (string, int) {
	end := i
	if i+16 <= len(b) {
		first := guard.Special(binary.LittleEndian.Uint64(b[i:]))
		second := guard.Special(binary.LittleEndian.Uint64(b[i+8:]))
		if first|second != 0 {
			run := bits.TrailingZeros64(first)
			if first == 0 {
				run = 64 + bits.TrailingZeros64(second)
			}
			end += run >> 3
			if b[end] == '"' {
				return guard.Borrow(b[i:end]), end + 1
			}
			return d.textFrom(b, i, end)
		}
		end += 16
	}
	end = guard.PlainEnd(b, end)
	if end < len(b) && b[end] == '"' {
		return guard.Borrow(b[i:end]), end + 1
	}
	return d.textFrom(b, i, end)
}

// textFrom parses a string whose bytes b[i:end] stand for themselves.
func (d *Decoder) textFrom(b []byte, i, end int) (string, int) {
	for end < len(b) && b[end] != '"' {
		if b[end] == '\\' {
			from := len(d.scratch)
			d.scratch = append(d.scratch, b[i:end]...)
			var fault guard.Fault
			if d.scratch, end, fault = guard.AppendString(d.scratch, b, end); fault != 0 {
				return "", d.fail(end, fault)
			}
			return guard.Borrow(d.scratch[from:]), end
		}
		size, fault := guard.RuneLen(b, end)
		if fault != 0 {
			return "", d.fail(end, fault)
		}
		end = guard.PlainEnd(b, end+size)
	}
	if end >= len(b) {
		return "", d.fail(end, guard.FaultStringEnd)
	}
	return guard.Borrow(b[i:end]), end + 1
}
