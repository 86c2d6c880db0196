package engines

import (
	"encoding/json"
	"math"
	"strings"
	"unsafe"

	"metricstream/pkg/metric"
)

// refusal is a fault that an adapter found. The slow path describes it for the client;
// as a constant it costs no allocation here.
type refusal string

func (r refusal) Error() string { return string(r) }

// The refusals of adapters.
const (
	errDocument  refusal = "the document is not an object"
	errMetrics   refusal = "metrics is no array of at least one metric"
	errCount     refusal = "too many metrics"
	errMetric    refusal = "a metric is not an object"
	errName      refusal = "name is missing or breaks a rule"
	errType      refusal = "type is missing or unknown"
	errValue     refusal = "value is missing or breaks a rule"
	errTimestamp refusal = "timestamp breaks a rule"
	errTags      refusal = "tags break a rule"
)

// What a decoder keeps from one body to the next is bounded: a pooled decoder must not hold the memory
// of the largest request for ever. The bounds are well above what a usual request needs.
const (
	keptBodyBytes = 128 << 10 // size of the body, whatever is in it
	keptValues    = 128 << 10 // number of values in a larger one; the metrics of 1 MiB have half as many
	keptTimestamp = 64        // bytes of one timestamp
)

// fields is what an adapter found in one metric.
type fields struct {
	name, kind string  // empty when missing or null, which no rule admits
	value      float64 // NaN when missing or null, for JSON has no NaN
	time       int64   // metric.NoTime when missing or null
}

// blank is a metric in which nothing was found yet.
func blank() fields { return fields{value: math.NaN(), time: metric.NoTime} }

// appendMetric appends the metric whose tags are dst.Tags[tagStart:] when it keeps every rule.
func appendMetric(dst *metric.Batch, tagStart int, f *fields) error {
	kind, ok := metric.ParseType(f.kind)
	switch {
	case len(dst.Metrics) == metric.MaxMetrics:
		return errCount
	case !metric.ValidName(f.name):
		return errName
	case !ok:
		return errType
	case !metric.ValidValue(kind, f.value):
		return errValue
	}
	if f.value == 0 {
		f.value = 0 // no negative zero
	}
	dst.Metrics = append(dst.Metrics, metric.Metric{
		Name:     f.name,
		Value:    f.value,
		Time:     f.time,
		TagStart: uint32(tagStart),
		TagEnd:   uint32(len(dst.Tags)),
		Type:     kind,
	})
	return nil
}

// appendTag puts a tag in its place among dst.Tags[tagStart:] when it keeps every rule.
func appendTag(dst *metric.Batch, tagStart int, key, value string) error {
	if len(dst.Tags)-tagStart == metric.MaxTags || !metric.ValidTagKey(key) || len(value) > metric.MaxTagValueLen {
		return errTags
	}
	var ok bool
	if dst.Tags, ok = metric.InsertTag(dst.Tags, tagStart, metric.Tag{Key: key, Value: value}); !ok {
		return errTags
	}
	return nil
}

// timeOf returns the time that the JSON value raw stands for; an empty raw is a missing timestamp.
// Taking the value raw is what makes the rules of a string and of an integer's digits one for all libraries.
func timeOf(raw []byte) (int64, error) {
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' { // sonic takes white space behind a number for a part of it
		raw = raw[:len(raw)-1]
	}
	text := view(raw)
	switch {
	case text == "" || text == "null":
		return metric.NoTime, nil
	case text[0] != '"':
		return timeFound(metric.ParseMillis(text))
	case len(text) < len(`""`): // an unguarded library's idea of a string
		return 0, errTimestamp
	}
	if strings.IndexByte(text, '\\') < 0 {
		return timeFound(metric.ParseTime(text[1 : len(text)-1]))
	}
	var unescaped string // nobody escapes a timestamp, but JSON lets them
	if err := json.Unmarshal(raw, &unescaped); err != nil {
		return 0, errTimestamp
	}
	return timeFound(metric.ParseTime(unescaped))
}

func timeFound(ns int64, fault metric.TimeFault) (int64, error) {
	if fault != 0 {
		return 0, errTimestamp
	}
	return ns, nil
}

// view returns b as a string without a copy: it is valid as long as b is not written to.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
