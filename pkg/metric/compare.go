package metric

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Reading is what a decoder made of one body. It is valid until the decoder's next Decode.
type Reading struct {
	Batch *Batch
	Err   error
}

// Difference is the first place where two readings of a body differ.
type Difference struct {
	Metric    int    // index in the body; -1 when it is not about one metric
	Field     string // the member's name, or verdict, errors or metrics
	Got, Want string
}

func (d *Difference) String() string {
	where := d.Field
	if d.Metric >= 0 {
		where = fmt.Sprintf("metric %d, %s", d.Metric, d.Field)
	}
	return fmt.Sprintf("%s: got %s; want %s", where, d.Got, d.Want)
}

// Verdict names what became of the body.
func (r Reading) Verdict() string {
	switch {
	case r.Err == nil:
		return "accepted"
	case errors.Is(r.Err, ErrSyntax):
		return "refused: syntax"
	case errors.Is(r.Err, ErrLimit):
		return "refused: limit"
	case errors.Is(r.Err, ErrSchema):
		return "refused: schema"
	}
	return "failed: " + r.Err.Error()
}

// Compare returns the first difference of got from r, which is right, or nil when there is none: the same verdict, the
// same errors in the same fields, and the same metrics bit for bit. The wording of errors is not looked at.
func (r Reading) Compare(got Reading) *Difference {
	if want, got := r.Verdict(), got.Verdict(); want != got {
		return &Difference{Metric: -1, Field: "verdict", Got: got, Want: want}
	}
	var want, have *InvalidError
	if errors.As(r.Err, &want) && errors.As(got.Err, &have) {
		same := func(a, b FieldError) bool { return a.Index == b.Index && a.Field == b.Field && a.Code == b.Code }
		if want.Rejected != have.Rejected || !slices.EqualFunc(want.Fields, have.Fields, same) {
			return &Difference{Metric: -1, Field: "errors", Got: fmt.Sprintf("%+v", *have), Want: fmt.Sprintf("%+v", *want)}
		}
	} else if r.Err != nil {
		return nil // the batches are unspecified
	}
	if want, got := len(r.Batch.Metrics), len(got.Batch.Metrics); want != got {
		return &Difference{Metric: -1, Field: "metrics", Got: strconv.Itoa(got), Want: strconv.Itoa(want)}
	}
	for i := range r.Batch.Metrics {
		if d := CompareMetric(r.Batch, got.Batch, i); d != nil {
			return d
		}
	}
	return nil
}

// CompareMetric returns the first difference between the metrics at index i of two batches, or nil.
func CompareMetric(want, got *Batch, i int) *Difference {
	w, g := &want.Metrics[i], &got.Metrics[i]
	differ := func(field, got, want string) *Difference { return &Difference{i, field, got, want} }
	switch {
	case w.Name != g.Name:
		return differ("name", strconv.Quote(g.Name), strconv.Quote(w.Name))
	case math.Float64bits(w.Value) != math.Float64bits(g.Value):
		return differ("value", exact(g.Value), exact(w.Value))
	case w.Type != g.Type:
		return differ("type", g.Type.String(), w.Type.String())
	case w.Time != g.Time:
		return differ("timestamp", strconv.FormatInt(g.Time, 10), strconv.FormatInt(w.Time, 10))
	case !slices.Equal(want.TagsOf(i), got.TagsOf(i)):
		return differ("tags", fmt.Sprintf("%q", got.TagsOf(i)), fmt.Sprintf("%q", want.TagsOf(i)))
	}
	return nil
}

// exact shows every bit of v.
func exact(v float64) string {
	return fmt.Sprintf("%s (bits %016x)", strconv.FormatFloat(v, 'g', -1, 64), math.Float64bits(v))
}
