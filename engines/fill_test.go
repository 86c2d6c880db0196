package engines

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

func TestTimeOf(t *testing.T) {
	for raw, want := range map[string]int64{
		``:                                   metric.NoTime,
		`null`:                               metric.NoTime,
		`0`:                                  0,
		"1500\r \t\n":                        1_500_000_000,
		`-0`:                                 0,
		`1500`:                               1_500_000_000,
		`"1970-01-01T00:00:01.5Z"`:           1_500_000_000,
		`"1970-01-01T00\u003a00:01.\u0035Z"`: 1_500_000_000,
	} {
		got, err := timeOf([]byte(raw))
		assert.NoError(t, err, raw)
		assert.Equal(t, want, got, raw)
	}
	for _, raw := range []string{`"`, `""`, `"\q"`, `"\u0031"`, `1.0`, `1e3`, `-1`, `true`, `{}`, `[]`, `nul`} {
		_, err := timeOf([]byte(raw))
		assert.ErrorIs(t, err, errTimestamp, raw)
	}
}

func TestAppendMetric(t *testing.T) {
	dst := new(metric.Batch)
	good := fields{name: "n", kind: "gauge", value: math.Copysign(0, -1), time: 5}
	require.NoError(t, appendMetric(dst, 0, &good))
	require.Equal(t, []metric.Metric{{Name: "n", Type: metric.Gauge, Time: 5}}, dst.Metrics)
	require.False(t, math.Signbit(dst.Metrics[0].Value), "-0 is 0")

	for want, spoil := range map[error]func(*fields){
		errName:  func(f *fields) { f.name = "" },
		errType:  func(f *fields) { f.kind = "" },
		errValue: func(f *fields) { f.value = math.NaN() },
	} {
		f := good
		spoil(&f)
		require.ErrorIs(t, appendMetric(dst, 0, &f), want)
	}
	require.Len(t, dst.Metrics, 1)

	dst.Metrics = make([]metric.Metric, metric.MaxMetrics)
	require.ErrorIs(t, appendMetric(dst, 0, &good), errCount)
}

func TestAppendTag(t *testing.T) {
	dst := &metric.Batch{Tags: []metric.Tag{{Key: "k", Value: "of the metric before"}}}
	require.NoError(t, appendTag(dst, 1, "k", ""))
	require.NoError(t, appendTag(dst, 1, "a", strings.Repeat("v", metric.MaxTagValueLen)))
	require.Equal(t, "a", dst.Tags[1].Key)
	require.ErrorIs(t, appendTag(dst, 1, "k", "again"), errTags)
	require.ErrorIs(t, appendTag(dst, 1, "", ""), errTags)
	require.ErrorIs(t, appendTag(dst, 1, "b", strings.Repeat("v", metric.MaxTagValueLen+1)), errTags)
	require.Len(t, dst.Tags, 3)

	dst.Tags = make([]metric.Tag, 1+metric.MaxTags)
	require.ErrorIs(t, appendTag(dst, 1, "b", ""), errTags)
}
