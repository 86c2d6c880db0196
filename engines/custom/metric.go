package custom

import (
	"encoding/binary"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// The members of a metric, as bits.
const (
	fieldName uint8 = 1 << iota
	fieldValue
	fieldType
	fieldTimestamp
	fieldTags

	required = fieldName | fieldValue | fieldType
)

// Names as they mostly stand in a body, with the quote and the colon, as little-endian words of the first bytes,
// so that one comparison recognises name, quote and colon together.
const (
	mask5 = 1<<40 - 1
	mask6 = 1<<48 - 1
	mask7 = 1<<56 - 1
	mask8 = 1<<64 - 1

	wordName     = 'n' | 'a'<<8 | 'm'<<16 | 'e'<<24 | '"'<<32 | ':'<<40
	wordType     = 't' | 'y'<<8 | 'p'<<16 | 'e'<<24 | '"'<<32 | ':'<<40
	wordTags     = 't' | 'a'<<8 | 'g'<<16 | 's'<<24 | '"'<<32 | ':'<<40
	wordValue    = 'v' | 'a'<<8 | 'l'<<16 | 'u'<<24 | 'e'<<32 | '"'<<40 | ':'<<48
	wordTimestam = 't' | 'i'<<8 | 'm'<<16 | 'e'<<24 | 's'<<32 | 't'<<40 | 'a'<<48 | 'm'<<56
)

// metric parses the object that opens at b[i] and appends it to dst. When a rule of the schema is broken, valid is
// false and no metric was appended (tags may have been), but the object was checked to its end all the same.
func (d *Decoder) metric(dst *metric.Batch, b []byte, i int) (next int, valid bool) {
	if i++; i < len(b) && b[i] <= ' ' {
		i = guard.SkipSpace(b, i)
	}
	if i < len(b) && b[i] == '}' {
		return i + 1, false
	}
	m := add(dst)
	m.Time, m.TagStart = metric.NoTime, uint32(len(dst.Tags))
	var seen, bad uint8
	for {
		start := i
		var field uint8
		if field, i = d.field(b, i); i < 0 {
			return i, false
		}
		if seen&field != 0 {
			return d.fail(start, guard.FaultRepeated), false
		}
		seen |= field
		switch {
		case i >= len(b):
			return d.fail(i, guard.FaultEnd), false
		case field == fieldName && b[i] == '"':
			if m.Name, i = d.name(b, i+1); i >= 0 && m.Name == "" {
				bad |= fieldName
			}
		case field == fieldValue && isNumber[b[i]]:
			var fault guard.Fault
			if m.Value, i, fault = number(b, i); fault != 0 {
				return d.fail(i, fault), false
			}
		case field == fieldType && b[i] == '"':
			if m.Type, i = d.typeName(b, i+1); i >= 0 && m.Type == 0 {
				bad |= fieldType
			}
		case field == fieldTimestamp:
			var fault metric.TimeFault
			if m.Time, i, fault = d.timestamp(b, i); fault != 0 {
				bad |= fieldTimestamp
			}
		case field == fieldTags && b[i] == '{':
			ok := false
			if i, ok = d.tags(dst, b, i, int(m.TagStart)); !ok {
				bad |= fieldTags
			}
		default: // an unknown member, or a known one of another JSON type
			if field&(required|fieldTags) != 0 && (field != fieldTags || b[i] != 'n') {
				bad |= field
			}
			i = d.skip(b, i, depthInMetric)
		}
		if i < 0 {
			return i, false
		}
		if i < len(b) && b[i] == ',' {
			if i++; i < len(b) && b[i] <= ' ' {
				i = guard.SkipSpace(b, i)
			}
			continue
		}
		i = guard.SkipSpace(b, i)
		if i < len(b) && b[i] == '}' {
			break
		}
		if i >= len(b) || b[i] != ',' {
			return d.fail(i, guard.FaultObjectEnd), false
		}
		i = guard.SkipSpace(b, i+1)
	}
	i++
	d.unknown[inMetric].Reset()
	if bad != 0 || seen&required != required || !metric.ValidValue(m.Type, m.Value) {
		dst.Truncate(len(dst.Metrics)-1, len(dst.Tags))
		return i, false
	}
	m.TagEnd = uint32(len(dst.Tags))
	return i, true
}

// add makes dst longer by one metric, which is zero, and returns it. It is filled in its place.
func add(dst *metric.Batch) *metric.Metric {
	n := len(dst.Metrics)
	if n < cap(dst.Metrics) {
		dst.Metrics = dst.Metrics[:n+1] // zero already: see Batch.Reset
	} else {
		dst.Metrics = append(dst.Metrics, metric.Metric{})
	}
	return &dst.Metrics[n]
}

// field parses a member's name and colon and returns the bit of the member; zero is an unknown one.
func (d *Decoder) field(b []byte, i int) (uint8, int) {
	if i+16 <= len(b) && b[i] == '"' {
		var field uint8
		w := binary.LittleEndian.Uint64(b[i+1:])
		switch {
		case w&mask6 == wordName:
			field, i = fieldName, i+7
		case w&mask7 == wordValue:
			field, i = fieldValue, i+8
		case w&mask6 == wordType:
			field, i = fieldType, i+7
		case w&mask6 == wordTags:
			field, i = fieldTags, i+7
		case w == wordTimestam && b[i+9] == 'p' && b[i+10] == '"' && b[i+11] == ':':
			field, i = fieldTimestamp, i+12
		}
		if field != 0 {
			if b[i] <= ' ' {
				i = guard.SkipSpace(b, i)
			}
			return field, i
		}
	}
	return d.fieldSlow(b, i)
}

func (d *Decoder) fieldSlow(b []byte, i int) (uint8, int) {
	start := i
	name, i := d.memberName(b, i)
	if i < 0 {
		return 0, i
	}
	switch name {
	case "name":
		return fieldName, i
	case "value":
		return fieldValue, i
	case "type":
		return fieldType, i
	case "timestamp":
		return fieldTimestamp, i
	case "tags":
		return fieldTags, i
	}
	if !d.unknown[inMetric].Add(name) {
		return 0, d.fail(start, guard.FaultRepeated)
	}
	return 0, i
}

// name parses the string of a metric's name, and returns an empty one when it breaks the rules of names.
func (d *Decoder) name(b []byte, i int) (string, int) {
	end := i + metric.NamePrefix(b[i:])
	if end < len(b) && b[end] == '"' && end-i <= metric.MaxNameLen {
		return guard.Borrow(b[i:end]), end + 1
	}
	name, i := d.text(b, i)
	if i < 0 || !metric.ValidName(name) {
		return "", i
	}
	return name, i
}

// typeWords describes the types as they mostly stand in a body, by a hash of their first letters without collisions:
// types come in no order that a branch predictor could learn, and a table needs no branch.
var typeWords = [4]struct {
	word, mask uint64 // the first bytes
	tail       uint16 // the last byte and the quote
	size       int    // with the quote
	kind       metric.Type
}{
	{'c' | 'o'<<8 | 'u'<<16 | 'n'<<24 | 't'<<32 | 'e'<<40 | 'r'<<48, mask7, 'r' | '"'<<8, 8, metric.Counter},
	{'g' | 'a'<<8 | 'u'<<16 | 'g'<<24 | 'e'<<32, mask5, 'e' | '"'<<8, 6, metric.Gauge},
	{'s' | 'u'<<8 | 'm'<<16 | 'm'<<24 | 'a'<<32 | 'r'<<40 | 'y'<<48, mask7, 'y' | '"'<<8, 8, metric.Summary},
	{'h' | 'i'<<8 | 's'<<16 | 't'<<24 | 'o'<<32 | 'g'<<40 | 'r'<<48 | 'a'<<56, mask8, 'm' | '"'<<8, 10, metric.Histogram},
}

// typeName parses the string of a metric's type; zero is a name that is none.
func (d *Decoder) typeName(b []byte, i int) (metric.Type, int) {
	if i+10 <= len(b) {
		t := &typeWords[(b[i]>>2^b[i]>>3)&3]
		if binary.LittleEndian.Uint64(b[i:])&t.mask == t.word && binary.LittleEndian.Uint16(b[i+t.size-2:]) == t.tail {
			return t.kind, i + t.size
		}
	}
	s, i := d.text(b, i)
	if i < 0 {
		return 0, i
	}
	t, _ := metric.ParseType(s)
	return t, i
}
