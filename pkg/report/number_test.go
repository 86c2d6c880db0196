package report

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 5: "5", 999: "999", 1000: "1,000", 1234: "1,230", 1234567: "1,230,000", 999.7: "1,000", 99.96: "100",
		1.5: "1.50", 12.34: "12.3", 0.0123: "0.0123", 0.001: "0.00100", 9.999: "10.0", 10.000000000000002: "10", 1e-9: "1.00e-9", 1e15: "1.00e15",
		999_999_999: "1,000,000,000", -2.5: "−2.50", -1234: "−1,230", math.Inf(1): "∞", math.Inf(-1): "−∞",
	} {
		assert.Equal(t, want, Digits(v), "%g", v)
	}
	assert.Equal(t, "–", Digits(math.NaN()))
}

func TestSI(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{1.2345e-5, "s", "12.3 µs"}, {12345, "ns", "12.3 µs"}, {12345, "ns/op", "12.3 µs/op"}, {5, "µs", "5 µs"}, {5, "us", "5 µs"},
		{0.25, "ms", "250 µs"}, {1500, "ms", "1.50 s"}, {3600, "s", "3,600 s"}, {999.6e-9, "s", "1.00 µs"}, {1e-15, "s", "0.00100 ps"},
		{0, "s", "0 s"}, {0, "ns", "0 s"}, {4096, "B", "4.10 kB"}, {0.5, "B", "0.500 B"}, {12345, "req/s", "12.3k req/s"}, {7, "allocs", "7 allocs"},
		{4_500_000, "", "4.50M"}, {3e15, "", "3,000T"}, {0.25, "", "0.250"}, {12345, "%", "12,300%"}, {4.1, "×", "4.10×"}, {1.5, "pp", "1.50 pp"}, {-2500, "B", "−2.50 kB"},
	} {
		assert.Equal(t, tt.want, strings.ReplaceAll(SI(tt.v, tt.unit), "\u00a0", " "), "%g %s", tt.v, tt.unit)
	}
	assert.Equal(t, "–\u00a0s", SI(math.NaN(), "s"))
}

func TestCleanKeepsLabelsInOneHarmlessLine(t *testing.T) {
	assert.Equal(t, "a b c d", clean("a\nb\tc\rd"))
	assert.Equal(t, "x��y�", clean("x\x00\x1by\u202e"))
	assert.Equal(t, "é😀�", clean("é😀\xff"))
}

func TestLinearTicksEncloseAndAreRound(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 10, []float64{0, 2, 4, 6, 8, 10}},
		{0, 2.42, []float64{0, 0.5, 1, 1.5, 2, 2.5}},
		{-3, 5, []float64{-4, -2, 0, 2, 4, 6}},
		{0, 0, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{7, 7, []float64{0, 2, 4, 6, 8}},
		{-7, -7, []float64{-8, -6, -4, -2, 0}},
		{1, 1 + 2e-16, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
	} {
		assert.InDeltaSlice(t, tt.want, linearTicks(tt.low, tt.high), 1e-9, "%g to %g", tt.low, tt.high)
	}
	for low := 1e-9; low < 1e9; low *= 7.3 {
		for _, spread := range []float64{1.001, 1.3, 4, 90, 1e5} {
			ticks := linearTicks(low, low*spread)
			assert.LessOrEqual(t, ticks[0], low*(1+1e-9))
			assert.GreaterOrEqual(t, ticks[len(ticks)-1], low*spread*(1-1e-9))
			assert.LessOrEqual(t, len(ticks), 9)
			assert.GreaterOrEqual(t, len(ticks), 3)
		}
	}
}

func TestLogTicksEncloseAndAreRound(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      []float64
	}{
		{1, 100, []float64{1, 2, 5, 10, 20, 50, 100}},
		{15, 900, []float64{10, 20, 50, 100, 200, 500, 1000}},
		{0.003, 40, []float64{0.001, 0.01, 0.1, 1, 10, 100}},
		{1.01, 1.06, []float64{1.01, 1.02, 1.03, 1.04, 1.05, 1.06}},
		{10, 10, []float64{5, 10, 20}},
	} {
		assert.InDeltaSlice(t, tt.want, logTicks(tt.low, tt.high), 1e-9, "%g to %g", tt.low, tt.high)
	}
	for low := 1e-90; low < 1e90; low *= 7.3e5 {
		for _, spread := range []float64{1, 1 + 1e-12, 1.001, 2.5, 4, 90, 1e5, 1e9} {
			ticks := logTicks(low, low*spread)
			assert.Positive(t, ticks[0])
			assert.LessOrEqual(t, ticks[0], low*(1+1e-9))
			assert.GreaterOrEqual(t, ticks[len(ticks)-1], low*spread*(1-1e-9))
			assert.LessOrEqual(t, len(ticks), 9, "%g × %g", low, spread)
			assert.Less(t, ticks[0], ticks[len(ticks)-1])
		}
	}
}

func TestAxesSayTheirUnits(t *testing.T) {
	for _, tt := range []struct {
		axis      Axis
		low, high float64
		title     string
		top       string
	}{
		{Axis{"time", "ns/metric", false}, 0, 6000, "time (µs/metric)", "6"},
		{Axis{"time", "ns/metric", true}, 10, 100000, "time (per metric, log scale)", "100 µs"},
		{Axis{"latency", "s", true}, 1e-5, 1, "latency (log scale)", "1 s"},
		{Axis{"rate", "req/s", false}, 0, 100e3, "rate (req/s)", "100k"},
		{Axis{"rate", "req/s", true}, 1, 1e6, "rate (req/s, log scale)", "1M"},
		{Axis{"share", "%", false}, 0, 100, "share (%)", "100"},
		{Axis{"memory", "B", false}, 0, 6e6, "memory (MB)", "6"},
		{Axis{"batch size", "", false}, 0, 10000, "batch size", "10k"},
		{Axis{"ratio", "×", true}, 0.5, 2, "ratio (log scale)", "2×"},
	} {
		s := newSpan(tt.axis, tt.low, tt.high)
		assert.Equal(t, tt.title, s.title())
		assert.Equal(t, tt.top, strings.ReplaceAll(s.tick(s.high), "\u00a0", " "), tt.title)
	}
}
