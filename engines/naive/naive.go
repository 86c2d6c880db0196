// Package naive is the parser that the project began with, written from RFC 8259 and the metrics' rules
// without a thought for speed: it copies every substring into a generic tree, builds a map for every metric,
// and then walks the tree. It is the "before" of the benchmarks, and, as it shares nothing
// with the other engines but the rules of package metric, a witness in the differential tests.
package naive

import (
	"maps"
	"slices"
	"strconv"

	"metricstream/pkg/metric"
)

// Decoder is a metric.Decoder. It keeps nothing from one body to the next,
// and nothing that it returns borrows from the body.
type Decoder struct{}

// New returns a Decoder.
func New() *Decoder { return &Decoder{} }

// Decode replaces dst with the metrics in body: see metric.Decoder.
func (*Decoder) Decode(dst *metric.Batch, body []byte) error {
	dst.Reset()
	p := parser{body: body}
	document, err := p.document()
	if err != nil {
		return err
	}
	w := walk{dst: dst}
	return w.envelope(document)
}

// walk turns the tree of a body into a batch, and collects what is wrong with it.
type walk struct {
	dst     *metric.Batch
	invalid metric.InvalidError
	faults  int // also those that invalid.Fields has no room for
}

func (w *walk) envelope(document any) error {
	envelope, ok := document.(map[string]any)
	if !ok {
		return w.reject("", metric.CodeType, "the document is not an object")
	}
	member, ok := envelope["metrics"]
	if !ok {
		return w.reject("metrics", metric.CodeRequired, "is missing")
	}
	list, ok := member.([]any)
	if !ok {
		return w.reject("metrics", metric.CodeType, "is not an array")
	}
	if len(list) > metric.MaxMetrics {
		return &metric.LimitError{Metrics: len(list)}
	}
	if len(list) == 0 {
		return w.reject("metrics", metric.CodeCount, "is empty; at least one metric is required")
	}
	for i, element := range list {
		w.metric(i, element)
	}
	if w.faults > 0 {
		return &w.invalid
	}
	return nil
}

// reject returns the error of a body whose envelope is wrong.
func (w *walk) reject(field string, code metric.Code, detail string) error {
	w.fault(metric.Envelope, field, code, detail)
	return &w.invalid
}

func (w *walk) fault(index int, field string, code metric.Code, detail string) {
	w.faults++
	if len(w.invalid.Fields) < metric.MaxFieldErrors {
		w.invalid.Fields = append(w.invalid.Fields, metric.FieldError{Index: index, Field: field, Code: code, Detail: detail})
	}
}

// metric appends the element at index i of the list to the batch, unless it breaks a rule.
func (w *walk) metric(i int, element any) {
	faults, tags := w.faults, len(w.dst.Tags)
	object, ok := element.(map[string]any)
	if !ok {
		w.fault(i, "", metric.CodeType, "the metric is not an object")
		w.invalid.Rejected++
		return
	}
	m := metric.Metric{Time: metric.NoTime, TagStart: uint32(tags)}
	m.Name = w.name(i, object)
	m.Value = w.value(i, object)
	m.Type = w.kind(i, object)
	if member := object["timestamp"]; member != nil { // null is as good as absent
		m.Time = w.time(i, member)
	}
	if member := object["tags"]; member != nil {
		w.tags(i, member)
	}
	if w.faults > faults {
		w.invalid.Rejected++
		w.dst.Truncate(len(w.dst.Metrics), tags)
		return
	}
	m.TagEnd = uint32(len(w.dst.Tags))
	w.dst.Metrics = append(w.dst.Metrics, m)
}

// required returns a member that must be there.
func (w *walk) required(i int, object map[string]any, field string) (member any, ok bool) {
	if member, ok = object[field]; !ok {
		w.fault(i, field, metric.CodeRequired, "is missing")
	}
	return member, ok
}

func (w *walk) name(i int, object map[string]any) string {
	member, ok := w.required(i, object, "name")
	if !ok {
		return ""
	}
	name, ok := member.(string)
	if !ok {
		w.fault(i, "name", metric.CodeType, "is not a string")
		return ""
	}
	if !metric.ValidName(name) {
		code, detail := metric.NameFault(name)
		w.fault(i, "name", code, detail)
	}
	return name
}

func (w *walk) value(i int, object map[string]any) float64 {
	member, ok := w.required(i, object, "value")
	if !ok {
		return 0
	}
	literal, ok := member.(number)
	if !ok {
		w.fault(i, "value", metric.CodeType, "is not a number")
		return 0
	}
	name, _ := object["type"].(string)
	kind, _ := metric.ParseType(name)
	value, _ := strconv.ParseFloat(string(literal), 64) // its one error on a JSON number gives an infinity, refused below
	if !metric.ValidValue(kind, value) {
		code, detail := metric.ValueFault(kind, value)
		w.fault(i, "value", code, detail)
	}
	return value + 0 // −0 is 0
}

func (w *walk) kind(i int, object map[string]any) metric.Type {
	member, ok := w.required(i, object, "type")
	if !ok {
		return 0
	}
	name, ok := member.(string)
	if !ok {
		w.fault(i, "type", metric.CodeType, "is not a string")
		return 0
	}
	kind, ok := metric.ParseType(name)
	if !ok {
		code, detail := metric.TypeFault(name)
		w.fault(i, "type", code, detail)
	}
	return kind
}

func (w *walk) time(i int, member any) int64 {
	var text string
	var ns int64
	var fault metric.TimeFault
	switch member := member.(type) {
	case string:
		text = member
		ns, fault = metric.ParseTime(text)
	case number:
		text = string(member)
		ns, fault = metric.ParseMillis(text)
	default:
		w.fault(i, "timestamp", metric.CodeType, "is neither a string nor an integer")
		return metric.NoTime
	}
	if fault != 0 {
		code, detail := fault.Describe(text)
		w.fault(i, "timestamp", code, detail)
	}
	return ns
}

func (w *walk) tags(i int, member any) {
	tags, ok := member.(map[string]any)
	if !ok {
		w.fault(i, "tags", metric.CodeType, "is not an object")
		return
	}
	if len(tags) > metric.MaxTags {
		code, detail := metric.TagCountFault(len(tags))
		w.fault(i, "tags", code, detail)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !metric.ValidTagKey(key) {
			code, detail := metric.TagKeyFault(key)
			w.fault(i, "tags", code, detail)
		}
		value, ok := tags[key].(string)
		if !ok {
			w.fault(i, "tags", metric.CodeType, "value of "+metric.Excerpt(key)+" is not a string")
		} else if len(value) > metric.MaxTagValueLen {
			code, detail := metric.TagValueFault(key, len(value))
			w.fault(i, "tags", code, detail)
		}
		w.dst.Tags = append(w.dst.Tags, metric.Tag{Key: key, Value: value})
	}
}
