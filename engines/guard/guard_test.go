package guard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

func TestCheckAccepts(t *testing.T) {
	var g Guard
	for _, body := range []string{
		`{}`, ` { } `, `[]`, `null`, `"x"`, `-0.5e+10`, `{"metrics":[]}`, `{"metrics":{"metrics":1}}`,
		`{"metrics":[{"name":"a","value":1,"type":"gauge","tags":{"a":"b","c":"d"}} , null, 1, [ ], {} ]}`,
		`{"x":{"a":1,"a":2},"metrics":[{"y":{"a":1,"a":2},"tags":[{"b":1,"b":2}]}]}`,
		`{"metrics":[{"tags":{"a":{"b":1,"b":2}}}],"tags":{"a":1,"a":2}}`,
		`{"\u00e9":1,"é\u0301":2}`, `"\ud83d\ude00"`,
	} {
		assert.NoError(t, g.Check([]byte(body)), body)
	}
}

func TestCheckLocatesFaults(t *testing.T) {
	var g Guard
	for _, tt := range []struct {
		body   string
		offset int
		fault  Fault
	}{
		{``, 0, FaultEnd},
		{`  `, 2, FaultEnd},
		{`{`, 1, FaultName},
		{`{"a"`, 4, FaultColon},
		{`{"a":`, 5, FaultEnd},
		{`{"a":1`, 6, FaultObjectEnd},
		{`{"a":1,}`, 7, FaultName},
		{`{"a":1 "b":2}`, 7, FaultObjectEnd},
		{`[1 2]`, 3, FaultArrayEnd},
		{`[1,]`, 3, FaultValue},
		{`[1`, 2, FaultArrayEnd},
		{`{} x`, 3, FaultTrailing},
		{`{"metrics":[1 2]}`, 14, FaultArrayEnd},
		{`{"metrics":[`, 12, FaultEnd},
		{`{"metrics":[{"tags":{"a":1 }`, 28, FaultObjectEnd},
		{`nul`, 0, FaultLiteral},
		{`+1`, 0, FaultValue},
		{`-`, 1, FaultNumber},
		{`01`, 1, FaultLeadingZero},
		{`1.`, 2, FaultNumber},
		{`1e`, 2, FaultNumber},
		{`1e+`, 3, FaultNumber},
		{`"a`, 2, FaultStringEnd},
		{`"\`, 2, FaultStringEnd},
		{"\"a\n\"", 2, FaultControl},
		{`"\x"`, 2, FaultEscape},
		{`"\u12g4"`, 1, FaultHex},
		{`"\u12`, 1, FaultHex},
		{`"\ud800"`, 1, FaultSurrogate},
		{`"\udc00"`, 1, FaultSurrogate},
		{`"\ud800\u0041"`, 1, FaultSurrogate},
		{`"\ud800\u00g1"`, 7, FaultHex},
		{"\"\xff\"", 1, FaultUTF8},
		{"\"\xc0\x80\"", 1, FaultUTF8},
		{`{"a":1,"a":2}`, 7, FaultRepeated},
		{`{"a":1,"\u0061":2}`, 7, FaultRepeated},
		{`{"metrics":[],"metrics":[]}`, 14, FaultRepeated},
		{`{"metrics":[{"name":1,"name":2}]}`, 22, FaultRepeated},
		{`{"metrics":[{"tags":{"a":1,"a":2}}]}`, 27, FaultRepeated},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), 32, FaultDepth},
		{`{"metrics":[{"tags":{"a":` + strings.Repeat("[", 29), 53, FaultDepth},
	} {
		err := g.Check([]byte(tt.body))
		var syntax *metric.SyntaxError
		require.ErrorAs(t, err, &syntax, tt.body)
		require.ErrorIs(t, err, metric.ErrSyntax)
		assert.Equal(t, tt.offset, syntax.Offset, tt.body)
		assert.Equal(t, tt.fault.String(), syntax.Detail, tt.body)
	}
}

func TestCheckCountsMetrics(t *testing.T) {
	var g Guard
	body := func(n int) []byte { return []byte(`{"metrics":[` + strings.Repeat("0,", n-1) + `0]}`) }
	assert.NoError(t, g.Check(body(metric.MaxMetrics)))
	err := g.Check(body(metric.MaxMetrics + 1))
	require.ErrorIs(t, err, metric.ErrLimit)
	assert.Contains(t, err.Error(), "10001 metrics")
	require.ErrorIs(t, g.Check(append(body(metric.MaxMetrics+1), 'x')), metric.ErrSyntax, "the grammar comes first")
}

// Each position of a fault relative to the eight bytes that are looked at together takes another path.
func TestStringsAtEveryLengthAndPosition(t *testing.T) {
	for length := range 40 {
		for at := range length {
			plain := []byte(`"` + strings.Repeat("x", length) + `"`)
			end, fault := SkipString(plain, 1)
			require.Zero(t, fault)
			require.Equal(t, len(plain), end)
			for c, want := range map[byte]Fault{0: FaultControl, 0x1f: FaultControl, 0x80: FaultUTF8, 0xff: FaultUTF8, 0x20: 0, 0x7f: 0} {
				b := []byte(string(plain))
				b[1+at] = c
				end, fault := SkipString(b, 1)
				require.Equal(t, want, fault, "%q", b)
				if fault != 0 {
					require.Equal(t, 1+at, end, "%q", b)
				}
				text, next, again := AppendString(nil, b, 1)
				require.Equal(t, end, next)
				require.Equal(t, fault, again)
				if fault == 0 {
					require.Equal(t, string(b[1:len(b)-1]), string(text))
				}
			}
		}
	}
}

func TestAppendStringUnescapes(t *testing.T) {
	const raw = `"a\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00é` + `€😀z" rest`
	text, next, fault := AppendString(nil, []byte(raw), 1)
	require.Zero(t, fault)
	assert.Equal(t, "a\"\\/\b\f\n\r\tAé€😀é€😀z", string(text))
	assert.Equal(t, strings.Index(raw, " rest"), next)
	for _, raw := range []string{`"abc`, `"a\q"`, "\"a\x01\"", "\"a\xc3\""} {
		_, _, fault := AppendString(nil, []byte(raw), 1)
		assert.NotZero(t, fault, raw)
	}
}

func TestExactMasksNamesThatMerelyFold(t *testing.T) {
	var g Guard
	exact := []byte(`{"metrics":[{"name":"a","other":1}]}`)
	require.NoError(t, g.Check(exact))
	same := g.Exact(exact)
	assert.Same(t, &exact[0], &same[0], "nothing to mask, nothing copied")

	body := []byte(`{"METRICS":1,"metrics":[{"Name":"a","n\u0041me":1,"TAGS":2,"tagſ":3,"tags":{"NAME":"kept"},"x":{"NAME":"kept"}}]}`)
	before := string(body)
	require.NoError(t, g.Check(body))
	assert.Equal(t, `{"_______":1,"metrics":[{"____":"a","_________":1,"____":2,"_____":3,"tags":{"NAME":"kept"},"x":{"NAME":"kept"}}]}`, string(g.Exact(body)))
	assert.Equal(t, before, string(body), "the body is not modified")
}

func TestDepthFollowsBracketsOutsideStrings(t *testing.T) {
	deep := strings.Repeat("[", metric.MaxDepth)
	assert.NoError(t, Depth([]byte(deep+strings.Repeat("]", metric.MaxDepth))))
	assert.NoError(t, Depth([]byte(`["`+strings.Repeat("[", 100)+`\"`+strings.Repeat("{", 100)+`"]`)))
	assert.NoError(t, Depth([]byte(strings.Repeat("[]", 100))))
	assert.NoError(t, Depth([]byte(`"\`)))
	for _, body := range []string{deep + "{", `["]","\"",` + deep} {
		require.ErrorIs(t, Depth([]byte(body)), metric.ErrSyntax, body)
	}
}

func TestNameSetFindsEveryRepeat(t *testing.T) {
	var s NameSet
	for _, n := range []int{1, fewNames - 1, fewNames, fewNames + 1, 100, 5000} {
		for i := range n {
			require.True(t, s.Add(fmt.Sprint("name", i)), "name %d of %d is new", i, n)
		}
		require.Equal(t, n, s.Len())
		for i := range n {
			require.False(t, s.Add(fmt.Sprint("name", i)), "name %d of %d is a repeat", i, n)
		}
		s.Reset()
		require.Zero(t, s.Len())
	}
	assert.Zero(t, cap(s.names), "a set that grew large is dropped")
}

func TestCheckAllocatesNothing(t *testing.T) {
	var g Guard
	body := []byte(`{"metrics":[{"name":"a","value":1,"type":"gauge","extra":"\u0041","n\u0061me2":1,"tags":{"host":"b","c":"d"}}]}`)
	bad := body[:len(body)-2]
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if g.Check(body) != nil || g.Check(bad) == nil {
			t.Error("wrong verdict")
		}
	}))
}

func TestGuardDropsWhatGrewLarge(t *testing.T) {
	var g Guard
	body := []byte(`{"NAME":1,"\u0061` + strings.Repeat("x", 2*keptBytes) + `":1}`)
	require.NoError(t, g.Check(body))
	g.Exact(body)
	require.Greater(t, cap(g.scratch), keptBytes)
	require.Greater(t, cap(g.masked), keptBytes)
	require.NoError(t, g.Check([]byte(`{}`)))
	assert.LessOrEqual(t, cap(g.scratch), keptBytes)
	assert.LessOrEqual(t, cap(g.masked), keptBytes)
}
