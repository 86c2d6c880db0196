package metric

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTimeAccepts(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64
	}{
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01t00:00:00z", 0},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T23:00:00-01:00", 0},
		{"1970-01-01T23:59:00+23:59", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T00:00:00.000000001Z", 1},
		{"1970-01-01T00:00:00.1Z", 100_000_000},
		{"2000-02-29T00:00:00Z", 951782400_000000000},
		{"2024-02-29T12:30:15.25Z", 1709209815_250000000},
		{"2025-09-17T13:45:23.123Z", 1758116723_123000000},
		{"2262-04-11T23:47:16.854775807Z", math.MaxInt64},
		{"2262-04-12T23:46:16.854775807+23:59", math.MaxInt64},
	} {
		ns, fault := ParseTime(tt.in)
		assert.Zero(t, fault, tt.in)
		assert.Equal(t, tt.want, ns, tt.in)
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for in, want := range map[string]TimeFault{
		"":                                TimeForm,
		"2025-09-17":                      TimeForm,
		"2025-09-17T13:45:23":             TimeForm, // no zone
		"2025-09-17 13:45:23Z":            TimeForm,
		"2025-09-17T13:45:23,5Z":          TimeForm,
		"2025-09-17T13:45:23.Z":           TimeForm,
		"2025-09-17T13:45:23.1234567890Z": TimeForm,
		"2025-09-17T13:45:23.123":         TimeForm,
		"2025-09-17T13:45:23.123456789":   TimeForm,
		"2025-09-17T13:45:60Z":            TimeForm,
		"2025-09-17T13:60:00Z":            TimeForm,
		"2025-09-17T24:00:00Z":            TimeForm,
		"2025-00-17T13:45:23Z":            TimeForm,
		"2025-13-17T13:45:23Z":            TimeForm,
		"2025-09-00T13:45:23Z":            TimeForm,
		"2025-09-31T13:45:23Z":            TimeForm,
		"2025-02-29T13:45:23Z":            TimeForm,
		"2100-02-29T13:45:23Z":            TimeForm,
		"2025-09-17T13:45:23+0100":        TimeForm,
		"2025-09-17T13:45:23+01":          TimeForm,
		"2025-09-17T13:45:23+24:00":       TimeForm,
		"2025-09-17T13:45:23+01:60":       TimeForm,
		"2025-09-17T13:45:23*01:00":       TimeForm,
		"2025-09-17T13:45:23+01-00":       TimeForm,
		"2025-09-17T13:45:23ZZ":           TimeForm,
		"20x5-09-17T13:45:23Z":            TimeForm,
		"2025-09-17T13:45:2xZ":            TimeForm,
		"12025-09-17T13:45:23Z":           TimeForm,
		"1969-12-31T23:59:59.999999999Z":  TimeRange,
		"1970-01-01T00:59:59+01:00":       TimeRange,
		"0000-01-01T00:00:00Z":            TimeRange,
		"2262-04-11T23:47:16.854775808Z":  TimeRange,
		"2262-04-11T23:47:17Z":            TimeRange,
		"9999-12-31T23:59:59Z":            TimeRange,
	} {
		_, fault := ParseTime(in)
		assert.Equal(t, want, fault, in)
	}
}

// The standard library is the oracle over the whole range.
func TestTimeAgreesWithStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	head := newLineHead()
	var ns int64
	for range 200_000 {
		if r.IntN(3) == 0 {
			ns = min(ns+r.Int64N(3e9), math.MaxInt64-1) / 2 * 2 // mostly the same day as the line before
		} else {
			ns = r.Int64()
		}
		switch r.IntN(4) {
		case 0:
			ns -= ns % 1_000_000
		case 1:
			ns -= ns % 1000
		case 2:
			ns -= ns % 1_000_000_000
		}
		want := time.Unix(0, ns).UTC()
		layout := "2006-01-02T15:04:05.000Z"
		if ns%1000 != 0 {
			layout = "2006-01-02T15:04:05.000000000Z"
		} else if ns%1_000_000 != 0 {
			layout = "2006-01-02T15:04:05.000000Z"
		}
		require.Equal(t, `{"timestamp":"`+want.Format(layout), string(head.append(nil, ns)))

		zoned := want.In(time.FixedZone("", (r.IntN(48)-24)*1800)).Format(time.RFC3339Nano)
		got, fault := ParseTime(zoned)
		require.Zero(t, fault, zoned)
		require.Equal(t, ns, got, zoned)
	}
}

func TestParseMillis(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "-0": 0, "1": 1_000_000, "1758116723123": 1758116723123_000_000, "9223372036854": 9223372036854_000_000,
	} {
		ns, fault := ParseMillis(in)
		assert.Zero(t, fault, in)
		assert.Equal(t, want, ns, in)
	}
	for in, want := range map[string]TimeFault{
		"": TimeInteger, "-": TimeInteger, "1.0": TimeInteger, "1e3": TimeInteger, "99999999999999999999.5": TimeInteger,
		"-1": TimeRange, "9223372036855": TimeRange, "9223372036854775807": TimeRange, "99999999999999999999999999999999": TimeRange,
	} {
		_, fault := ParseMillis(in)
		assert.Equal(t, want, fault, in)
	}
}

func TestTimeFaultsSayWhatIsRight(t *testing.T) {
	for fault, want := range map[TimeFault]struct {
		code Code
		text string
	}{
		TimeForm:    {CodePattern, "RFC 3339"},
		TimeRange:   {CodeRange, "1970-01-01T00:00:00Z"},
		TimeInteger: {CodePattern, "Unix milliseconds"},
	} {
		code, detail := fault.Describe("x\x00y")
		assert.Equal(t, want.code, code)
		assert.Contains(t, detail, want.text)
		assert.Contains(t, detail, `"x\x00y"`)
	}
}
