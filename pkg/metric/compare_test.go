package metric

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func reading(err error, value float64, change func(*Batch)) Reading {
	b := &Batch{Metrics: []Metric{{Name: "a", Value: 1, Type: Gauge, Time: 5}, {Name: "b", Value: value, Type: Counter, Time: NoTime, TagEnd: 2}},
		Tags: []Tag{{"k", "v"}, {"l", "w"}}}
	if change != nil {
		change(b)
	}
	return Reading{b, err}
}

func TestCompareFindsTheFirstDifference(t *testing.T) {
	none := func(*Batch) {}
	for name, tt := range map[string]struct {
		got  Reading
		want string // empty: no difference
	}{
		"same":      {reading(nil, 1.5, none), ""},
		"one ulp":   {reading(nil, math.Nextafter(1.5, 2), none), "metric 1, value: got 1.5000000000000002 (bits 3ff8000000000001); want 1.5 (bits 3ff8000000000000)"},
		"name":      {reading(nil, 1.5, func(b *Batch) { b.Metrics[0].Name = "A" }), `metric 0, name: got "A"; want "a"`},
		"type":      {reading(nil, 1.5, func(b *Batch) { b.Metrics[0].Type = Summary }), "metric 0, type: got summary; want gauge"},
		"timestamp": {reading(nil, 1.5, func(b *Batch) { b.Metrics[0].Time = 6 }), "metric 0, timestamp: got 6; want 5"},
		"tag lost":  {reading(nil, 1.5, func(b *Batch) { b.Metrics[1].TagEnd = 1 }), `metric 1, tags: got [{"k" "v"}]; want [{"k" "v"} {"l" "w"}]`},
		"count":     {reading(nil, 1.5, func(b *Batch) { b.Truncate(1, 0) }), "metrics: got 1; want 2"},
		"verdict":   {reading(&SyntaxError{}, 1.5, none), "verdict: got refused: syntax; want accepted"},
		"limit":     {reading(&LimitError{}, 1.5, none), "verdict: got refused: limit; want accepted"},
		"failure":   {reading(errors.New("odd"), 1.5, none), "verdict: got failed: odd; want accepted"},
	} {
		d := reading(nil, 1.5, none).Compare(tt.got)
		if tt.want == "" {
			assert.Nil(t, d, name)
			continue
		}
		require.NotNil(t, d, name)
		assert.Equal(t, tt.want, d.String(), name)
	}
}

func TestCompareLooksAtErrorsButNotTheirWording(t *testing.T) {
	invalid := func(rejected int, fields ...FieldError) error { return &InvalidError{fields, rejected} }
	first := FieldError{Index: 1, Field: "name", Code: CodePattern, Detail: "one wording"}
	again := FieldError{Index: 1, Field: "name", Code: CodePattern, Detail: "another"}
	other := FieldError{Index: 1, Field: "value", Code: CodePattern}
	want := reading(invalid(1, first), 1, nil)
	assert.Equal(t, "refused: schema", want.Verdict())
	assert.Nil(t, want.Compare(reading(invalid(1, again), 1, nil)))
	assert.Equal(t, "errors", want.Compare(reading(invalid(1, other), 1, nil)).Field)
	assert.Equal(t, "errors", want.Compare(reading(invalid(2, first), 1, nil)).Field)
	assert.Equal(t, "value", want.Compare(reading(invalid(1, first), 2, nil)).Field, "the valid metrics are compared too")

	refused := Reading{new(Batch), &SyntaxError{Offset: 1}}
	assert.Nil(t, refused.Compare(reading(&SyntaxError{Offset: 2}, 1, nil)), "the batch of a refused body is unspecified")
}
