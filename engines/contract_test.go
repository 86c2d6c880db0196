package engines

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// stubLibrary is a library that gives a set answer.
type stubLibrary struct {
	calls  int
	given  string
	result error
}

func (l *stubLibrary) Decode(dst *metric.Batch, body []byte) error {
	l.calls++
	l.given = string(body)
	dst.Reset()
	dst.Metrics = append(dst.Metrics, metric.Metric{Name: "from_the_library", Type: metric.Gauge})
	return l.result
}

// stubGuard is a guard that gives a set answer.
type stubGuard struct {
	text string
	err  error
}

func (g stubGuard) guard([]byte) ([]byte, error) { return []byte(g.text), g.err }

func TestContractGuardsFirst(t *testing.T) {
	refused := &metric.SyntaxError{Offset: 7, Detail: "no"}
	library := &stubLibrary{}
	c := contract{name: "stub", guard: stubGuard{err: refused}, library: library}
	require.Same(t, refused, c.Decode(new(metric.Batch), []byte(bodyOne)), "the guard's error is the answer")
	require.Zero(t, library.calls, "the library ran on a body that its guard had refused")
	require.Nil(t, c.slow, "the slow path ran on a body that the guard had refused")
}

func TestContractGivesTheGuardsTextToTheLibrary(t *testing.T) {
	library, dst := &stubLibrary{}, new(metric.Batch)
	c := contract{name: "stub", guard: stubGuard{text: "masked"}, library: library}
	require.NoError(t, c.Decode(dst, []byte(bodyOne)))
	require.Equal(t, "masked", library.given)
	require.Equal(t, "from_the_library", dst.Metrics[0].Name, "the library was bypassed on a body that it accepts")
	require.Nil(t, c.slow, "the slow path ran though nothing was refused")
}

func TestContractDescribesRefusalsBySlowPath(t *testing.T) {
	const body = `{"metrics":[{"name":"good","value":1,"type":"gauge"},{"name":"","type":"no"},{"name":"too","value":2,"type":"gauge"}]}`
	dst := new(metric.Batch)
	c := contract{name: "stub", library: &stubLibrary{result: errName}}
	err := c.Decode(dst, []byte(body))
	var invalid *metric.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, 1, invalid.Rejected)
	require.Len(t, invalid.Fields, 3, "name, value and type are wrong")
	require.Len(t, dst.Metrics, 2, "the valid metrics are kept for a lenient request")
	require.Equal(t, "good", dst.Metrics[0].Name)
	require.Equal(t, "too", dst.Metrics[1].Name)
}

func TestContractReportsDivergence(t *testing.T) {
	for _, cause := range []error{
		errors.New(strings.Repeat("the rest of the body\n", 1000)),
		&metric.SyntaxError{Detail: "it is wrong about it"},
	} {
		dst := new(metric.Batch)
		c := contract{name: "stub", library: &stubLibrary{result: cause}}
		err := c.Decode(dst, []byte(bodyOne))
		require.ErrorIs(t, err, ErrDiverged)
		require.ErrorContains(t, err, "stub", "the error must name the engine")
		require.Less(t, len(err.Error()), 400, "a library's error may carry the whole body")
		require.NotContains(t, err.Error(), "\n", "a library's error must be escaped")
		for _, class := range []error{metric.ErrSyntax, metric.ErrLimit, metric.ErrSchema} {
			require.NotErrorIs(t, err, class, "a fault of the engine would be answered as one of the client's")
		}
		require.Empty(t, dst.Metrics, "nothing of a body that engines disagree on may be stored")
	}
}

// TestNoGhosts decodes a full request, then sparse ones, with the same decoder and batch: nothing of the first may show.
func TestNoGhosts(t *testing.T) {
	full := `{"metrics":[` + strings.TrimSuffix(strings.Repeat(
		`{"name":"ghost","value":666,"type":"counter","timestamp":"2001-01-01T00:00:00Z","tags":{"a":"ghost","b":"gh\u006fst"}},`, 80), ",") + `]}`
	sparse := func(members string, n int) string {
		return `{"metrics":[` + strings.TrimSuffix(strings.Repeat("{"+members+"},", n), ",") + `]}`
	}
	const bare = `"name":"n","value":1,"type":"gauge"`
	for _, e := range All() {
		for mode, make := range map[string]func() metric.Decoder{"contract": e.New, "bare": e.Bare} {
			t.Run(e.Name+"/"+mode, func(t *testing.T) {
				dec, dst := make(), new(metric.Batch)
				for _, n := range []int{1, 2, 79, 80, 81, 200} {
					require.NoError(t, dec.Decode(dst, []byte(full)))
					require.NoError(t, dec.Decode(dst, []byte(sparse(bare, n))))
					require.Equal(t, strings.Repeat(line("1", "")+"\n", n), linesOf(dst)+"\n")
					require.Empty(t, dst.Tags)

					// Each member alone missing must be noticed, though the last request had it.
					for missing, members := range map[string]string{
						"name":  `"value":1,"type":"gauge"`,
						"value": `"name":"n","type":"gauge"`,
						"type":  `"name":"n","value":1`,
					} {
						require.NoError(t, dec.Decode(dst, []byte(full)))
						require.Error(t, dec.Decode(dst, []byte(sparse(members, n))), "%s of the request before shows", missing)
					}

					// The request before may also have been refused half-way.
					require.Error(t, dec.Decode(dst, []byte(strings.TrimSuffix(full, "]}")+`,{"name":1}]}`)))
					require.NoError(t, dec.Decode(dst, []byte(sparse(bare, n))))
					require.Equal(t, strings.Repeat(line("1", "")+"\n", n), linesOf(dst)+"\n", "after a refused request")
				}
			})
		}
	}
}

// TestBatchOutlivesTheParser holds the adapters to what they drop after a large body: the batch still needs it.
func TestBatchOutlivesTheParser(t *testing.T) {
	body := `{"dropped":[` + strings.Repeat("0,", keptValues) + `0],` + string(bodyOf(3000)[1:])
	require.Greater(t, len(body), keptBodyBytes)
	var want string
	for _, e := range All() {
		dec, dst := e.New(), new(metric.Batch)
		require.NoError(t, dec.Decode(dst, []byte(body)))
		if want == "" {
			want = linesOf(dst)
		}
		require.Equal(t, want, linesOf(dst), e.Name)
	}
}

// TestLargeBuffersAreDropped decodes a large body, then looks at what the decoder still holds.
func TestLargeBuffersAreDropped(t *testing.T) {
	dst := new(metric.Batch)
	large := `{"dropped":[` + strings.Repeat("0,", keptValues) + `0],` + string(bodyOf(3000)[1:])
	manyTags := one(`"name":"n","value":1,"type":"gauge","tags":{` + tags(10*metric.MaxTags) + `}`)

	std := newStdJSON()
	require.NoError(t, std.Decode(dst, []byte(large)))
	assert.LessOrEqual(t, len(std.blank), metric.MaxMetrics+metric.MaxMetrics/4)
	std = newStdJSON()
	require.Error(t, std.Decode(dst, []byte(manyTags)))
	assert.NotEmpty(t, std.blank)
	for _, r := range std.blank {
		assert.Nil(t, r.Tags, "a map that held more tags than a metric may have is kept")
	}
	longTime := fmt.Sprintf(`"name":"n","value":1,"type":"gauge","timestamp":"%0*d"`, 2*keptBodyBytes, 0)
	require.Error(t, std.Decode(dst, []byte(one(longTime))))
	for _, r := range std.blank {
		assert.LessOrEqual(t, cap(r.Timestamp), keptTimestamp, "a timestamp larger than any valid one is kept")
	}

	fast := new(fastJSON)
	require.NoError(t, fast.Decode(dst, []byte(large)))
	assert.True(t, reflect.ValueOf(&fast.parser).Elem().IsZero(), "the parser of a body with many values is kept")
	require.NoError(t, fast.Decode(dst, bodyOf(3000)))
	assert.False(t, reflect.ValueOf(&fast.parser).Elem().IsZero(), "the parser of a usual batch is dropped")

	v2 := new(jsonV2)
	require.Error(t, v2.Decode(dst, []byte(one(longTime))))
	assert.LessOrEqual(t, cap(v2.envelope.Metrics.metric.Timestamp), keptTimestamp)
	assert.Nil(t, v2.envelope.Metrics.dst, "the batch of the last request is kept")
}

// TestBorrowedMemoryIsLetGo: between requests, a pooled decoder must not keep a request's body alive.
func TestBorrowedMemoryIsLetGo(t *testing.T) {
	d := newSonic(sonicGuarded)
	require.NoError(t, d.Decode(new(metric.Batch), []byte(bodyOne)))
	require.NotEmpty(t, d.blank)
	for _, r := range d.blank {
		assert.Empty(t, r.Name)
		assert.Nil(t, r.Timestamp)
		assert.Empty(t, r.Tags)
	}
}
