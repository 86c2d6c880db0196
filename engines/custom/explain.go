package custom

// The slow path: what is wrong with a metric whose JSON is well-formed. It runs only for refused metrics,
// and may allocate. It looks at the metric a second time, so that the fast path need not remember anything.

import (
	"fmt"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// reject notes an error of the envelope.
func (d *Decoder) reject(field string, code metric.Code, detail string) {
	d.invalid.Fields = append(d.invalid.Fields, metric.FieldError{Index: metric.Envelope, Field: field, Code: code, Detail: detail})
}

// explain notes what is wrong with raw, an element of the metrics array that broke a rule.
func (d *Decoder) explain(raw []byte) {
	d.invalid.Rejected++
	if len(d.invalid.Fields) >= metric.MaxFieldErrors {
		return
	}
	e := explanation{index: d.found, fields: d.invalid.Fields}
	e.element(raw)
	d.invalid.Fields = e.fields[:min(len(e.fields), metric.MaxFieldErrors)]
}

type explanation struct {
	index  int
	fields []metric.FieldError
}

func (e *explanation) add(field string, code metric.Code, detail string) {
	e.fields = append(e.fields, metric.FieldError{Index: e.index, Field: field, Code: code, Detail: detail})
}

func (e *explanation) element(raw []byte) {
	if raw[0] != '{' {
		e.add("", metric.CodeType, kind(raw)+"; an object is required")
		return
	}
	var name, value, typ, timestamp, tags []byte
	for member, v := range members(raw) {
		switch member {
		case "name":
			name = v
		case "value":
			value = v
		case "type":
			typ = v
		case "timestamp":
			timestamp = v
		case "tags":
			tags = v
		}
	}
	if e.has("name", name, '"', "a string") {
		if s := unquote(name); !metric.ValidName(s) {
			code, detail := metric.NameFault(s)
			e.add("name", code, detail)
		}
	}
	var t metric.Type
	if typ != nil && typ[0] == '"' {
		t, _ = metric.ParseType(unquote(typ))
	}
	if e.has("value", value, '0', "a number") {
		if v, _, _ := number(value, 0); !metric.ValidValue(t, v) {
			code, detail := metric.ValueFault(t, v)
			e.add("value", code, detail)
		}
	}
	if e.has("type", typ, '"', "a string") && t == 0 {
		code, detail := metric.TypeFault(unquote(typ))
		e.add("type", code, detail)
	}
	e.timestamp(timestamp)
	e.tags(tags)
}

// has reports whether a required member is there and of its kind, and notes it when not.
func (e *explanation) has(field string, v []byte, want byte, required string) bool {
	switch {
	case v == nil:
		e.add(field, metric.CodeRequired, "is missing; "+required+" is required")
		return false
	case kindOf(v) != want:
		e.add(field, metric.CodeType, kind(v)+"; "+required+" is required")
		return false
	}
	return true
}

func (e *explanation) timestamp(v []byte) {
	if v == nil {
		return
	}
	var s string
	var fault metric.TimeFault
	switch kindOf(v) {
	case 'n':
		return
	case '"':
		s = unquote(v)
		_, fault = metric.ParseTime(s)
	case '0':
		end, _ := guard.SkipNumber(v, 0)
		s = string(v[:end])
		_, fault = metric.ParseMillis(s)
	default:
		e.add("timestamp", metric.CodeType, kind(v)+"; an RFC 3339 string or an integer of Unix milliseconds is required")
		return
	}
	if fault != 0 {
		code, detail := fault.Describe(s)
		e.add("timestamp", code, detail)
	}
}

func (e *explanation) tags(v []byte) {
	if v == nil || kindOf(v) == 'n' {
		return
	}
	if v[0] != '{' {
		e.add("tags", metric.CodeType, kind(v)+"; an object of strings is required")
		return
	}
	n := 0
	for range members(v) {
		n++
	}
	if n > metric.MaxTags {
		code, detail := metric.TagCountFault(n)
		e.add("tags", code, detail)
	}
	for key, value := range members(v) {
		if len(e.fields) > metric.MaxFieldErrors {
			return
		}
		if !metric.ValidTagKey(key) {
			code, detail := metric.TagKeyFault(key)
			e.add("tags", code, detail)
		}
		if value[0] != '"' {
			e.add("tags", metric.CodeType, fmt.Sprintf("value of %s %s; a string is required", metric.Excerpt(key), kind(value)))
		} else if s := unquote(value); len(s) > metric.MaxTagValueLen {
			code, detail := metric.TagValueFault(key, len(s))
			e.add("tags", code, detail)
		}
	}
}

// members yields the members of the well-formed object at the start of raw. A value runs to the end of raw.
func members(raw []byte) func(yield func(name string, value []byte) bool) {
	return func(yield func(string, []byte) bool) {
		i := guard.SkipSpace(raw, 1)
		for raw[i] == '"' {
			start := i
			i, _ = guard.SkipString(raw, i+1)
			name := unquote(raw[start:])
			i, _ = guard.SkipColon(raw, i)
			if !yield(name, raw[i:]) {
				return
			}
			i, _ = guard.SkipValue(raw, i, depthInMetric)
			if i = guard.SkipSpace(raw, i); raw[i] == '}' {
				return
			}
			i = guard.SkipSpace(raw, i+1)
		}
	}
}

// unquote returns the text of the well-formed string at the start of raw, in memory of its own.
func unquote(raw []byte) string {
	end, _ := guard.SkipString(raw, 1)
	s, _, _ := guard.AppendString(nil, raw[:end], 1)
	return guard.Borrow(s)
}

// kindOf returns the first byte of the JSON value at the start of raw, with '0' for every number.
func kindOf(raw []byte) byte {
	if isNumber[raw[0]] {
		return '0'
	}
	return raw[0]
}

func kind(raw []byte) string {
	switch kindOf(raw) {
	case '{':
		return "is an object"
	case '[':
		return "is an array"
	case '"':
		return "is a string"
	case '0':
		return "is a number"
	case 't', 'f':
		return "is a boolean"
	}
	return "is null"
}
