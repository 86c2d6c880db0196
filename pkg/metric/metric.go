// Package metric holds the data at the centre of MetricStream: the metric, a batch of them,
// the rules that every metric must keep, the contract of a JSON decoder,
// and the encoding of a batch as JSON Lines. It imports nothing else of the project.
package metric

import "math"

// Limits of one request. docs/http-api.md states them to the outside.
const (
	MaxMetrics     = 10_000
	MaxDepth       = 32 // nesting of the body; the document itself is depth 1
	MaxNameLen     = 255
	MaxTags        = 32
	MaxTagKeyLen   = 128
	MaxTagValueLen = 1024
)

// Type is the kind of a metric. The zero Type is no valid one.
type Type uint8

// The types of a metric.
const (
	Gauge Type = iota + 1
	Counter
	Histogram
	Summary
)

var typeNames = [...]string{Gauge: "gauge", Counter: "counter", Histogram: "histogram", Summary: "summary"}

// String returns the name of t as it stands in a request.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// ParseType returns the type of that name, and whether there is one.
func ParseType(s string) (Type, bool) {
	switch s {
	case "gauge":
		return Gauge, true
	case "counter":
		return Counter, true
	case "histogram":
		return Histogram, true
	case "summary":
		return Summary, true
	}
	return 0, false
}

// NoTime is the Time of a metric whose sender gave none: it takes the batch's Received.
const NoTime = math.MinInt64

// Metric is one observation. Its strings are borrowed: see Decoder for how long they are valid.
// Its tags are b.Tags[TagStart:TagEnd] of the Batch b that holds it, sorted by key;
// offsets instead of a slice spare a pointer for the garbage collector to follow.
type Metric struct {
	Name             string
	Value            float64
	Time             int64 // nanoseconds since the Unix epoch, or NoTime
	TagStart, TagEnd uint32
	Type             Type
}

// Tag is one dimension of a metric.
type Tag struct{ Key, Value string }

// Batch is the metrics of one request. It is made to be reused; it is not safe for concurrent use.
type Batch struct {
	Metrics  []Metric
	Tags     []Tag // of all metrics, one after another
	Received int64 // time of receipt in nanoseconds since the Unix epoch, for metrics without a time
}

// Reset empties b and drops every borrowed string in it, so that nothing of one request can show in the next
// and no request's memory is kept alive by a pooled batch. Beyond len, both slices are always zero.
func (b *Batch) Reset() {
	clear(b.Metrics)
	clear(b.Tags)
	b.Metrics = b.Metrics[:0]
	b.Tags = b.Tags[:0]
	b.Received = 0
}

// Truncate drops the metrics from index n on, with the tags from index tags on.
func (b *Batch) Truncate(n, tags int) {
	clear(b.Metrics[n:])
	clear(b.Tags[tags:])
	b.Metrics = b.Metrics[:n]
	b.Tags = b.Tags[:tags]
}

// TagsOf returns the tags of the metric at index i, sorted by key.
func (b *Batch) TagsOf(i int) []Tag {
	m := &b.Metrics[i]
	return b.Tags[m.TagStart:m.TagEnd]
}
