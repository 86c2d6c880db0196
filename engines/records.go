package engines

import (
	"bytes"
	"math"

	"metricstream/pkg/metric"
)

// records decodes with a library that unmarshals into structs as encoding/json does, R being its raw JSON value.
//
// The slice of structs is reused. Such libraries decode into the elements within a slice's capacity as they
// find them (https://go.dev/issue/21092), which would show one request's fields in the next, and is made use of
// here: every element up to capacity is kept blank, its value NaN, so that a value that stays NaN was missing or null.
// An element that the library itself appends is zero instead, and a missing value would pass for 0. So the slice has
// room, before the library runs, for the valid metrics that the body can hold, and for one that is not: see room.
type records[R ~[]byte] struct {
	unmarshal func(body []byte, v any) error
	borrows   bool // R borrows the body instead of copying
	blank     []record[R]
	envelope  struct {
		Metrics []record[R] `json:"metrics"`
	}
}

type record[R ~[]byte] struct {
	Name      string            `json:"name"`
	Value     float64           `json:"value"`
	Type      string            `json:"type"`
	Timestamp R                 `json:"timestamp"`
	Tags      map[string]string `json:"tags"`
}

func (d *records[R]) Decode(dst *metric.Batch, body []byte) error {
	dst.Reset()
	d.grow(room(body))
	d.envelope.Metrics = d.blank[:0]
	err := d.unmarshal(body, &d.envelope)
	used := len(d.envelope.Metrics)
	if err == nil {
		err = d.fill(dst, d.envelope.Metrics, body)
	}
	if err != nil {
		used = len(d.blank) // how far the library came is its secret
	}
	d.clear(used)
	return err
}

// room returns how many elements the slice must have for the first element of "metrics" that is no valid metric
// to be among them. Those before it each take a brace besides the document's, and the bytes of the smallest metric.
// Counting only braces would let a short body with braces in a string ask for a megabyte.
func room(body []byte) int {
	return min(bytes.Count(body, []byte{'{'})-1, len(body)/len(smallestMetric), metric.MaxMetrics)
}

const smallestMetric = `{"name":"n","value":1,"type":"gauge"}`

// grow gives the slice room for n elements.
func (d *records[R]) grow(n int) {
	if n <= len(d.blank) {
		return
	}
	d.blank = append(d.blank, make([]record[R], n-len(d.blank))...)
	d.blank = d.blank[:cap(d.blank)]
	for i := range d.blank {
		d.blank[i].Value = math.NaN()
	}
}

// clear makes the first n elements blank. There are at most as many as a request may have metrics; they are kept.
func (d *records[R]) clear(n int) {
	d.envelope.Metrics = nil
	used := d.blank[:min(n, len(d.blank))]
	for i := range used {
		r := &used[i]
		r.Name, r.Type, r.Value = "", "", math.NaN()
		if r.Timestamp = r.Timestamp[:0]; d.borrows || cap(r.Timestamp) > keptTimestamp {
			r.Timestamp = nil
		}
		if len(r.Tags) > metric.MaxTags { // a map does not shrink
			r.Tags = nil
		}
		clear(r.Tags)
	}
}

func (d *records[R]) fill(dst *metric.Batch, found []record[R], body []byte) error {
	if len(found) == 0 {
		return errMetrics
	}
	emptyTag := false
	for i := range found {
		r := &found[i]
		time, err := timeOf(r.Timestamp)
		if err != nil {
			return err
		}
		start := len(dst.Tags)
		for key, value := range r.Tags {
			if err := appendTag(dst, start, key, value); err != nil {
				return err
			}
			emptyTag = emptyTag || value == ""
		}
		if err := appendMetric(dst, start, &fields{r.Name, r.Type, r.Value, time}); err != nil {
			return err
		}
	}
	if emptyTag && bytes.Contains(body, []byte("null")) {
		return d.findNullTag(body)
	}
	return nil
}

// findNullTag refuses a tag whose value is null, which is an empty string in the map. Pointers in the map would show
// it, at the price of an allocation for every tag of every request; empty values together with a null are rare,
// so the library is asked a second time instead.
func (d *records[R]) findNullTag(body []byte) error {
	var envelope struct {
		Metrics []struct {
			Tags map[string]*string `json:"tags"`
		} `json:"metrics"`
	}
	if err := d.unmarshal(body, &envelope); err != nil {
		return err
	}
	for _, m := range envelope.Metrics {
		for _, value := range m.Tags {
			if value == nil {
				return errTags
			}
		}
	}
	return nil
}
