package benchmarks

import (
	"fmt"

	"metricstream/engines"
	"metricstream/pkg/metric"
)

// Oracle is the engine whose reading of a body is the right one: it decodes with the reference implementation
// of encoding/json/v2, which is strict by design, and shares no parsing code with the others.
const Oracle = "json-v2"

func oracle() metric.Decoder {
	e, err := engines.Lookup(Oracle)
	if err != nil {
		panic(err) // it is in the table of engines
	}
	return e.New()
}

// Difference is the first place where an engine and the oracle read a body differently.
type Difference struct {
	metric.Difference
	Engine, Payload string
	Body            int // index in the payload
}

func (d *Difference) Error() string {
	where := fmt.Sprintf("body %d", d.Body)
	if d.Metric >= 0 {
		where += fmt.Sprintf(", metric %d", d.Metric)
	}
	return fmt.Sprintf("engine %s differs on payload %s, %s, %s: got %s; the oracle %s has %s",
		d.Engine, d.Payload, where, d.Field, d.Got, Oracle, d.Want)
}

// Verify decodes every body of p under the contract and returns a *Difference unless e makes of each the same
// metrics as the oracle, bit for bit, or refuses it for the same reason.
func Verify(e engines.Engine, p Payload) error {
	right, tested := reader{oracle(), new(metric.Batch)}, reader{e.New(), new(metric.Batch)}
	for i, body := range p.Bodies {
		want, got := right.read(body), tested.read(body)
		if d := want.Compare(got); d != nil {
			return &Difference{*d, e.Name, p.Name, i}
		}
	}
	return nil
}

// Laxity counts how a bare library differs from the contract on a payload.
type Laxity struct {
	Altered int // metrics of good bodies that came out differently
	Taken   int // bad bodies taken
	Refused int // good bodies refused
}

// Bare counts what e makes of p without the checks around it.
func Bare(e engines.Engine, p Payload) (lax Laxity) {
	right, tested := reader{oracle(), new(metric.Batch)}, reader{e.Bare(), new(metric.Batch)}
	for _, body := range p.Bodies {
		want, got := right.read(body), tested.read(body)
		switch {
		case want.Err != nil && got.Err == nil:
			lax.Taken++
		case want.Err == nil && got.Err != nil:
			lax.Refused++
		case want.Err == nil:
			lax.Altered += altered(want.Batch, got.Batch)
		}
	}
	return lax
}

func altered(want, got *metric.Batch) (n int) {
	for i := range want.Metrics {
		if i >= len(got.Metrics) || metric.CompareMetric(want, got, i) != nil {
			n++
		}
	}
	return n
}

// reader is a decoder with the batch that it decodes into.
type reader struct {
	decoder metric.Decoder
	batch   *metric.Batch
}

func (r reader) read(body []byte) metric.Reading {
	return metric.Reading{Batch: r.batch, Err: r.decoder.Decode(r.batch, body)}
}
