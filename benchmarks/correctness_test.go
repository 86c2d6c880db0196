package benchmarks

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines"
	"metricstream/pkg/metric"
)

func errorsAs(err error, target any) bool { return errors.As(err, target) }

func engine(t testing.TB, name string) engines.Engine {
	t.Helper()
	e, err := engines.Lookup(name)
	require.NoError(t, err)
	return e
}

func TestEveryEngineReadsEveryPayloadAsTheOracleDoes(t *testing.T) {
	for _, e := range engines.All() {
		for _, p := range Payloads() {
			assert.NoError(t, Verify(e, p))
		}
	}
}

// faulty is a decoder that spoils what another one decoded.
type faulty struct {
	metric.Decoder
	spoil func(*metric.Batch, error) error
}

func (f faulty) Decode(dst *metric.Batch, body []byte) error {
	return f.spoil(dst, f.Decoder.Decode(dst, body))
}

// spoiled is the custom engine with a fault, under the name "faulty".
func spoiled(t testing.TB, spoil func(*metric.Batch, error) error) engines.Engine {
	custom := engine(t, "custom")
	e := custom
	e.Name = "faulty"
	e.New = func() metric.Decoder { return faulty{custom.New(), spoil} }
	e.Bare = e.New
	return e
}

func TestAFaultyEngineIsFound(t *testing.T) {
	at := func(i int, change func(*metric.Batch, *metric.Metric)) func(*metric.Batch, error) error {
		return func(b *metric.Batch, err error) error {
			if err == nil && i < len(b.Metrics) {
				change(b, &b.Metrics[i])
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		payload string
		spoil   func(*metric.Batch, error) error
		want    Difference
		says    string
	}{
		"a dropped tag": {"batch10", at(3, func(_ *metric.Batch, m *metric.Metric) { m.TagEnd-- }),
			Difference{Payload: "batch10", Difference: metric.Difference{Metric: 3, Field: "tags"}}, `engine faulty differs on payload batch10, body 0, metric 3, tags: got [`},
		"a changed tag": {"batch10", at(0, func(b *metric.Batch, m *metric.Metric) { b.Tags[m.TagStart].Value += "x" }),
			Difference{Payload: "batch10", Difference: metric.Difference{Field: "tags"}}, "x"},
		"a value one ulp off": {"numbers", at(7, func(_ *metric.Batch, m *metric.Metric) { m.Value = math.Nextafter(m.Value, math.Inf(1)) }),
			Difference{Payload: "numbers", Difference: metric.Difference{Metric: 7, Field: "value"}}, "(bits "},
		"a zero with a sign": {"one", at(0, func(_ *metric.Batch, m *metric.Metric) { m.Value = math.Copysign(m.Value, -1) }),
			Difference{Payload: "one", Difference: metric.Difference{Field: "value"}}, "-75.5"},
		"a name":      {"full", at(0, func(_ *metric.Batch, m *metric.Metric) { m.Name = "x" }), Difference{Payload: "full", Difference: metric.Difference{Field: "name"}}, `"x"`},
		"a type":      {"full", at(0, func(_ *metric.Batch, m *metric.Metric) { m.Type = 0 }), Difference{Payload: "full", Difference: metric.Difference{Field: "type"}}, ""},
		"a timestamp": {"full", at(0, func(_ *metric.Batch, m *metric.Metric) { m.Time++ }), Difference{Payload: "full", Difference: metric.Difference{Field: "timestamp"}}, "3000001"},
		"a missing metric": {"full", func(b *metric.Batch, err error) error { b.Truncate(0, 0); return err },
			Difference{Payload: "full", Difference: metric.Difference{Metric: -1, Field: "metrics"}}, "got 0; the oracle json-v2 has 1"},
		"a refusal of good bodies": {"full", func(*metric.Batch, error) error { return errors.New("engine broke") },
			Difference{Payload: "full", Difference: metric.Difference{Metric: -1, Field: "verdict"}}, "got failed: engine broke; the oracle json-v2 has accepted"},
		"a taking of bad ones": {"rejected", func(*metric.Batch, error) error { return nil },
			Difference{Payload: "rejected", Difference: metric.Difference{Metric: -1, Field: "verdict"}}, "got accepted; the oracle json-v2 has refused: syntax"},
		"another class": {"rejected", func(_ *metric.Batch, err error) error {
			if err != nil {
				return &metric.LimitError{}
			}
			return nil
		}, Difference{Payload: "rejected", Difference: metric.Difference{Metric: -1, Field: "verdict"}}, "got refused: limit"},
		"another field": {"rejected", func(_ *metric.Batch, err error) error {
			var invalid *metric.InvalidError
			if errors.As(err, &invalid) {
				invalid.Fields[0].Field = "nothing"
			}
			return err
		}, Difference{Payload: "rejected", Body: 7, Difference: metric.Difference{Metric: -1, Field: "errors"}}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Verify(spoiled(t, c.spoil), payload(t, c.payload))
			var d *Difference
			require.ErrorAs(t, err, &d)
			assert.Equal(t, "faulty", d.Engine)
			got := *d
			got.Engine, got.Got, got.Want = "", "", ""
			assert.Equal(t, c.want, got)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestBareLibrariesAreCounted(t *testing.T) {
	lax := func(e engines.Engine, name string) Laxity {
		return Bare(e, payload(t, name))
	}
	assert.Zero(t, lax(engine(t, "custom"), "rejected"), "the custom engine is the contract's own")
	assert.Zero(t, lax(engine(t, "fastjson"), "batch100"))
	assert.Positive(t, lax(engine(t, "fastjson"), "numbers").Altered, "fastjson is one ulp off on some numbers")
	for _, name := range []string{"fastjson", "sonic", "go-json", "std"} {
		assert.Positive(t, lax(engine(t, name), "rejected").Taken, name)
	}
	refuser := spoiled(t, func(*metric.Batch, error) error { return errors.New("no") })
	assert.Equal(t, Laxity{Refused: 256}, lax(refuser, "rotating"))
	loser := spoiled(t, func(b *metric.Batch, err error) error { b.Truncate(7, len(b.Tags)); return err })
	assert.Equal(t, Laxity{Altered: 3}, lax(loser, "batch10"))
}
