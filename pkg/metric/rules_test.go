package metric

import (
	"errors"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesAndKeysAgreeWithTheirPatterns(t *testing.T) {
	name := regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:./-]*$`)
	key := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_./-]*$`)
	check := func(s string) {
		require.Equal(t, name.MatchString(s) && !strings.HasSuffix(s, "\n"), ValidName(s), "%q", s)
		require.Equal(t, key.MatchString(s) && !strings.HasSuffix(s, "\n"), ValidTagKey(s), "%q", s)
	}
	check("")
	for a := range 256 {
		check(string([]byte{byte(a)}))
		for b := range 256 {
			check(string([]byte{byte(a), byte(b)}))
			check(string([]byte{'a', byte(a), byte(b)}))
		}
	}
	assert.True(t, ValidName(strings.Repeat("a", MaxNameLen)))
	assert.False(t, ValidName(strings.Repeat("a", MaxNameLen+1)))
	assert.True(t, ValidTagKey(strings.Repeat("a", MaxTagKeyLen)))
	assert.False(t, ValidTagKey(strings.Repeat("a", MaxTagKeyLen+1)))
}

func TestTypes(t *testing.T) {
	for _, want := range []Type{Gauge, Counter, Histogram, Summary} {
		got, ok := ParseType(want.String())
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	for _, s := range []string{"", "Gauge", "gauges", "untyped"} {
		got, ok := ParseType(s)
		assert.False(t, ok, s)
		assert.Zero(t, got, s)
	}
	assert.Empty(t, Type(0).String())
	assert.Empty(t, Type(200).String())
}

func TestValidValue(t *testing.T) {
	for _, v := range []float64{0, 1, -1, math.MaxFloat64, 5e-324} {
		assert.True(t, ValidValue(Gauge, v), v)
		assert.Equal(t, v >= 0, ValidValue(Counter, v), v)
	}
	for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		assert.False(t, ValidValue(Gauge, v), v)
		assert.False(t, ValidValue(Counter, v), v)
	}
}

func TestFaultsNameTheRule(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, tt := range []struct {
		got  func() (Code, string)
		code Code
		text string
	}{
		{func() (Code, string) { return NameFault("") }, CodeLength, "1 to 255"},
		{func() (Code, string) { return NameFault(long) }, CodeLength, "300 bytes"},
		{func() (Code, string) { return NameFault("a b") }, CodePattern, `"a b"`},
		{func() (Code, string) { return TypeFault("x") }, CodePattern, "gauge, counter"},
		{func() (Code, string) { return ValueFault(Gauge, math.Inf(1)) }, CodeRange, "IEEE 754"},
		{func() (Code, string) { return ValueFault(Counter, -2) }, CodeRange, "-2; a counter"},
		{func() (Code, string) { return TagKeyFault("") }, CodeLength, "1 to 128"},
		{func() (Code, string) { return TagKeyFault(long) }, CodeLength, "300 bytes"},
		{func() (Code, string) { return TagKeyFault("a:b") }, CodePattern, `"a:b"`},
		{func() (Code, string) { return TagValueFault("k", 1025) }, CodeLength, "1025 bytes"},
		{func() (Code, string) { return TagCountFault(33) }, CodeCount, "33 tags"},
	} {
		code, detail := tt.got()
		assert.Equal(t, tt.code, code, detail)
		assert.Contains(t, detail, tt.text)
	}
}

func TestExcerptIsShortPrintableASCII(t *testing.T) {
	for _, s := range []string{"", "ok", "\x00\x1b[31m", "\xff\xfe", strings.Repeat("é", 100), strings.Repeat("a", 39) + "😀😀", strings.Repeat("\x00", 5000), strings.Repeat("\x80", 90)} {
		e := Excerpt(s)
		assert.LessOrEqual(t, utf8.RuneCountInString(e), 6*excerptLen, "%q", s)
		for _, r := range strings.TrimSuffix(e, "…") {
			assert.True(t, r >= ' ' && r < 0x7F, "%q", e)
		}
	}
	assert.Equal(t, `"`+strings.Repeat("a", 39)+`"…`, Excerpt(strings.Repeat("a", 39)+"😀"))
}

func TestInsertTagSortsAndFindsRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		tags := []Tag{{"zzz", "of the metric before"}}
		seen := map[string]bool{}
		for range r.IntN(MaxTags) {
			key := string(rune('a' + r.IntN(20)))
			var fresh bool
			tags, fresh = InsertTag(tags, 1, Tag{Key: key, Value: key})
			require.Equal(t, !seen[key], fresh)
			seen[key] = true
		}
		require.Len(t, tags, len(seen)+1)
		require.Equal(t, "zzz", tags[0].Key)
		require.True(t, slices.IsSortedFunc(tags[1:], func(a, b Tag) int { return strings.Compare(a.Key, b.Key) }))
	}
}

func TestBatchResetLeavesNoGhost(t *testing.T) {
	b := Batch{Received: 5}
	for range 3 {
		b.Metrics = append(b.Metrics, Metric{Name: "n", Value: 1, TagEnd: 1})
		b.Tags = append(b.Tags, Tag{"k", "v"})
	}
	assert.Equal(t, []Tag{{"k", "v"}}, b.TagsOf(1))
	b.Truncate(2, 1)
	assert.Len(t, b.Metrics, 2)
	assert.Len(t, b.Tags, 1)
	b.Reset()
	assert.Zero(t, b.Received)
	for _, m := range b.Metrics[:cap(b.Metrics)] {
		assert.Zero(t, m)
	}
	for _, tag := range b.Tags[:cap(b.Tags)] {
		assert.Zero(t, tag)
	}
}

func TestErrorClasses(t *testing.T) {
	for err, want := range map[error]struct {
		class error
		text  string
	}{
		&SyntaxError{Offset: 7, Detail: "bad"}: {ErrSyntax, "bad at byte 7"},
		&LimitError{Metrics: 10_001}:           {ErrLimit, "10001 metrics in one request; at most 10000 are accepted"},
		&InvalidError{}:                        {ErrSchema, ErrSchema.Error()},
		&InvalidError{Fields: []FieldError{{Index: Envelope, Field: "metrics", Detail: "is missing"}}}: {ErrSchema, "metrics: is missing"},
		&InvalidError{Fields: []FieldError{{Index: 3, Field: "name", Detail: "is empty"}}}:             {ErrSchema, "metric 3: name: is empty"},
	} {
		for _, class := range []error{ErrSyntax, ErrLimit, ErrSchema} {
			assert.Equal(t, class == want.class, errors.Is(err, class), "%v", err)
		}
		assert.EqualError(t, err, want.text)
	}
}
