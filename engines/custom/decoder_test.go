package custom

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

func TestDecodeBorrowsFromTheBody(t *testing.T) {
	body := []byte(`{"metrics":[{"name":"cpu","value":-1.5e3,"type":"histogram","timestamp":1758116723123,"tags":{"z":"1","a":"2\n"}}]}`)
	var b metric.Batch
	require.NoError(t, New().Decode(&b, body))
	require.Len(t, b.Metrics, 1)
	m := b.Metrics[0]
	assert.Equal(t, metric.Metric{Name: "cpu", Value: -1500, Type: metric.Histogram, Time: 1758116723123_000_000, TagEnd: 2}, m)
	assert.Equal(t, []metric.Tag{{Key: "a", Value: "2\n"}, {Key: "z", Value: "1"}}, b.TagsOf(0))
	copy(body[strings.Index(string(body), "cpu"):], "CPU")
	assert.Equal(t, "CPU", b.Metrics[0].Name, "the name is the body's memory")
}

func TestDecodeAllocatesNothing(t *testing.T) {
	var b metric.Batch
	d := New()
	for name, body := range map[string]string{
		"plain":    `{"metrics":[{"name":"cpu","value":75.5,"type":"gauge","timestamp":"2025-09-17T13:45:23.123Z","tags":{"host":"a","dc":"b"}}]}`,
		"escapes":  `{"metrics":[{"n\u0061me":"c\u0070u","value":0.1234567890123456789,"type":"g\u0061uge","tags":{"host":"\ud83d\ude00é"},"other":{"a":[1,2,{}]}}]}`,
		"unsorted": `{"x":1,"metrics":[{"tags":{"c":"1","b":"2","a":"3"},"type":"counter","y":2,"z":3,"value":1e-400,"name":"n"}]}`,
		"syntax":   `{"metrics":[{"name":"cpu","value":75.5,"type":"gauge","tags":{"a":"b","a":"c"}}]}`,
	} {
		body := []byte(body)
		assert.Zero(t, testing.AllocsPerRun(100, func() { _ = d.Decode(&b, body) }), name)
	}
}

func TestScratchIsDroppedWhenLarge(t *testing.T) {
	var b metric.Batch
	d := New()
	big := []byte(`{"metrics":[{"name":"n","value":1,"type":"gauge","x":1,"y` + strings.Repeat(`\u0041`, keptScratch+1) + `":1}]}`)
	require.NoError(t, d.Decode(&b, big))
	require.Greater(t, cap(d.scratch), keptScratch)
	require.ErrorIs(t, d.Decode(&b, []byte(`{}`)), metric.ErrSchema)
	assert.LessOrEqual(t, cap(d.scratch), keptScratch)
}

func TestErrorsOfEveryFieldAreListedInOrder(t *testing.T) {
	long := strings.Repeat("v", 1025)
	body := `{"metrics":[
		{"name":"ok","value":1,"type":"gauge"},
		7,
		{},
		{"tags":{"a b":1,"c":"` + long + `"},"timestamp":true,"type":"x","value":1e999,"name":"9"},
		{"name":1,"value":"1","type":null,"timestamp":"now","tags":[]},
		{"name":"c","value":-1,"type":"counter","timestamp":1.5},
		{"name":"ok2","value":2,"type":"summary","timestamp":null,"tags":null}
	]}`
	var b metric.Batch
	err := New().Decode(&b, []byte(body))
	var invalid *metric.InvalidError
	require.ErrorAs(t, err, &invalid)
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, fmt.Sprintf("%d %s %s", f.Index, f.Field, f.Code))
		assert.Less(t, len(f.Detail), 200)
	}
	assert.Equal(t, []string{
		"1  type",
		"2 name required", "2 value required", "2 type required",
		"3 name pattern", "3 value range", "3 type pattern", "3 timestamp type", "3 tags pattern", "3 tags type", "3 tags length",
		"4 name type", "4 value type", "4 type type", "4 timestamp pattern", "4 tags type",
		"5 value range", "5 timestamp pattern",
	}, got)
	assert.Equal(t, 5, invalid.Rejected)
	require.Len(t, b.Metrics, 2)
	assert.Equal(t, "ok", b.Metrics[0].Name)
	assert.Equal(t, "ok2", b.Metrics[1].Name)
	assert.Empty(t, b.Tags, "no tags of a rejected metric stay")
}

func TestEnvelopeFaults(t *testing.T) {
	var b metric.Batch
	d := New()
	for body, want := range map[string]metric.FieldError{
		`{}`:                 {Index: -1, Field: "metrics", Code: metric.CodeRequired},
		`{"Metrics":[]}`:     {Index: -1, Field: "metrics", Code: metric.CodeRequired},
		`{"metrics":[]}`:     {Index: -1, Field: "metrics", Code: metric.CodeCount},
		`{"metrics":null}`:   {Index: -1, Field: "metrics", Code: metric.CodeType},
		`{"metrics":{}}`:     {Index: -1, Field: "metrics", Code: metric.CodeType},
		`[{"metrics":[{}]}]`: {Index: -1, Code: metric.CodeType},
		`"metrics"`:          {Index: -1, Code: metric.CodeType},
	} {
		var invalid *metric.InvalidError
		require.ErrorAs(t, d.Decode(&b, []byte(body)), &invalid, body)
		require.Len(t, invalid.Fields, 1, body)
		got := invalid.Fields[0]
		assert.NotEmpty(t, got.Detail)
		got.Detail = ""
		assert.Equal(t, want, got, body)
		assert.Zero(t, invalid.Rejected)
	}
}

func TestErrorListIsBounded(t *testing.T) {
	var b metric.Batch
	err := New().Decode(&b, []byte(`{"metrics":[`+strings.Repeat(`{},`, 5000)+`{"tags":{"x":1}}]}`))
	var invalid *metric.InvalidError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Fields, metric.MaxFieldErrors)
	assert.Equal(t, 5001, invalid.Rejected)

	var tags strings.Builder
	for i := range 300 {
		fmt.Fprintf(&tags, `,"%d":1`, i)
	}
	require.ErrorAs(t, New().Decode(&b, []byte(`{"metrics":[{"tags":{`+tags.String()[1:]+`}}]}`)), &invalid)
	assert.Len(t, invalid.Fields, metric.MaxFieldErrors)
	assert.Equal(t, metric.CodeCount, invalid.Fields[3].Code)
}

func TestMetricsBeyondTheLimitAreCheckedButNotKept(t *testing.T) {
	const one = `{"name":"n","value":1,"type":"gauge","tags":{"a":"b"}}`
	var b metric.Batch
	d := New()
	body := func(n int, last string) []byte {
		return []byte(`{"metrics":[` + strings.Repeat(one+",", n-1) + last + `]}`)
	}
	require.NoError(t, d.Decode(&b, body(metric.MaxMetrics, one)))
	require.Len(t, b.Metrics, metric.MaxMetrics)
	err := d.Decode(&b, body(metric.MaxMetrics+5, one))
	require.ErrorIs(t, err, metric.ErrLimit)
	assert.Contains(t, err.Error(), "10005")
	assert.Len(t, b.Metrics, metric.MaxMetrics)
	require.ErrorIs(t, d.Decode(&b, body(metric.MaxMetrics+5, `{"name":1,"name":2}`)), metric.ErrSyntax)
	require.ErrorIs(t, d.Decode(&b, body(metric.MaxMetrics+5, `{}`)), metric.ErrLimit)
}

// strconv is the oracle for numbers, and encoding/json for what is one.
func TestNumbersAreExact(t *testing.T) {
	check := func(s string) {
		t.Helper()
		v, next, fault := number([]byte(s), 0)
		if !json.Valid([]byte(s)) {
			require.True(t, fault != 0 || next < len(s), s)
			return
		}
		require.Zero(t, fault, s)
		require.Equal(t, len(s), next, s)
		want, _ := strconv.ParseFloat(s, 64)
		if want == 0 {
			want = 0 // −0 is 0
		}
		require.Equal(t, math.Float64bits(want), math.Float64bits(v), s)
	}
	for _, s := range []string{
		"0", "-0", "-0.0", "-0e5", "-1e-400", "1e999", "-1e999", "1e22", "1e23", "9007199254740992", "9007199254740993", "9007199254740992e22",
		"1e-22", "1e-23", "123456789012345678901234567890", "0.1234567890123456789", "5e-324", "2.4703282292062327e-324", "2.2250738585072011e-308",
		"1e+2", "1E2", "1e00000000000000000001", "1e99999999999999999999", "0.00000000000000000000000000000000001", "-", "01", "00", "1.", ".5", "1e", "1e+", "-x",
		strings.Repeat("9", 400), "0." + strings.Repeat("0", 400) + "1", "-0." + strings.Repeat("0", 400),
	} {
		check(s)
	}
	r := rand.New(rand.NewPCG(9, 10))
	for range 300_000 {
		v := math.Float64frombits(r.Uint64())
		if v-v == 0 {
			check(strconv.FormatFloat(v, 'e', -1, 64))
			check(strconv.FormatFloat(v, 'e', 17, 64))
		}
		check(strconv.FormatInt(r.Int64()>>r.IntN(63), 10) + "." + strconv.FormatUint(r.Uint64()>>r.IntN(63), 10))
		check(strconv.FormatUint(r.Uint64()>>r.IntN(63), 10) + "e" + strconv.Itoa(r.IntN(80)-40))
	}
}

func TestFaultsCarryTheirPlace(t *testing.T) {
	var b metric.Batch
	d := New()
	for _, tt := range []struct {
		body   string
		offset int
		fault  guard.Fault
	}{
		{`{"metrics":[{"name":"a","value":01}]}`, 33, guard.FaultLeadingZero},
		{`{"metrics":[{"name":"a" "value":1}]}`, 24, guard.FaultObjectEnd},
		{`{"metrics":[{"name":"a","name":"b"}]}`, 24, guard.FaultRepeated},
		{`{"metrics":[{"x":"a","x":"b"}]}`, 21, guard.FaultRepeated},
		{`{"metrics":[{"tags":{"a":"b","a":"c"}}]}`, 29, guard.FaultRepeated},
		{`{"metrics":[{"tags":{"a":"b" "c":"d"}}]}`, 29, guard.FaultObjectEnd},
		{`{"metrics":[{"tags":{"a":"b",}}]}`, 29, guard.FaultName},
		{`{"metrics":[{"timestamp":1x}]}`, 26, guard.FaultObjectEnd},
		{`{"metrics":[{"timestamp":-}]}`, 26, guard.FaultNumber},
		{`{"metrics":[{"name":`, 20, guard.FaultEnd},
		{`{"metrics":[{"name":"`, 21, guard.FaultStringEnd},
		{`{"metrics":[{"type":"g\x"}]}`, 23, guard.FaultEscape},
		{"{\"metrics\":[{\"timestamp\":\"\xff\"}]}", 26, guard.FaultUTF8},
		{`{"metrics":[{}{}]}`, 14, guard.FaultArrayEnd},
		{`{"metrics":[],"metrics":[]}`, 14, guard.FaultRepeated},
		{`{"a":1,"a":2}`, 7, guard.FaultRepeated},
		{`{"a":1]`, 6, guard.FaultObjectEnd},
		{`{"a" 1}`, 5, guard.FaultColon},
		{`{"metrics":1}}`, 13, guard.FaultTrailing},
		{`tru`, 0, guard.FaultLiteral},
	} {
		var syntax *metric.SyntaxError
		require.ErrorAs(t, d.Decode(&b, []byte(tt.body)), &syntax, tt.body)
		assert.Equal(t, tt.offset, syntax.Offset, tt.body)
		assert.Equal(t, tt.fault.String(), syntax.Detail, tt.body)
		var g guard.Guard
		assert.Equal(t, syntax.Error(), g.Check([]byte(tt.body)).Error(), "the guard sees the same")
	}
}

func TestTagsBeyondTheLimitMayStillNotRepeat(t *testing.T) {
	tags := func(extra string) []byte {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"k%d":"v",`, i)
		}
		return []byte(`{"metrics":[{"name":"n","value":1,"type":"gauge","tags":{` + b.String() + `"` + extra + `":"v"}}]}`)
	}
	var b metric.Batch
	d := New()
	require.ErrorIs(t, d.Decode(&b, tags("fresh")), metric.ErrSchema)
	require.ErrorIs(t, d.Decode(&b, tags("k3")), metric.ErrSyntax)
	require.ErrorIs(t, d.Decode(&b, tags("k77")), metric.ErrSyntax)
	require.ErrorIs(t, d.Decode(&b, tags("fresh")), metric.ErrSchema, "nothing is left of the body before")
}

// What looks at a word at a time must see every byte that does not belong, wherever it stands.
func TestEveryByteAtEveryPositionOfAWord(t *testing.T) {
	const timestamp = "2025-09-17T13:45:23.123Z"
	const whole = `{"metrics":[{"name":"n","type":"gauge","value":1234567.7654321,"timestamp":"` + timestamp + `"}]}`
	number, time := strings.Index(whole, "1234567"), strings.Index(whole, timestamp)
	var b metric.Batch
	var g guard.Guard
	d := New()
	for at := number; at < time+len(timestamp); at++ {
		for c := range 256 {
			body := []byte(whole)
			body[at] = byte(c)
			err := d.Decode(&b, body)
			require.Equal(t, g.Check(body) == nil, !errors.Is(err, metric.ErrSyntax), "%q", body)
			if at < number+len("1234567.7654321") && err == nil {
				var want struct{ Metrics []struct{ Value float64 } }
				require.NoError(t, json.Unmarshal(body, &want), "%q", body)
				require.Equal(t, want.Metrics[0].Value, b.Metrics[0].Value, "%q", body)
			}
			if at >= time && c != '"' && c != '\\' && !errors.Is(err, metric.ErrSyntax) {
				ns, fault := metric.ParseTime(string(body[time : time+len(timestamp)]))
				require.Equal(t, fault == 0, err == nil, "%q", body)
				if fault == 0 {
					require.Equal(t, ns, b.Metrics[0].Time, "%q", body)
				}
			}
		}
	}
}
