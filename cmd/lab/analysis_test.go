package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/benchmarks"
	"metricstream/pkg/stats"
)

// find returns the family of a level, guard and payload.
func (a *analysis) find(t *testing.T, level, guard, payload string) *family {
	t.Helper()
	for _, g := range a.groups {
		for _, f := range g.families {
			if f.level == level && f.guard == guard && f.payload == payload {
				return f
			}
		}
	}
	t.Fatalf("no family %s %s %s", level, guard, payload)
	return nil
}

// A slowdown of 10% is found though the machine drifts by more than 30% from round to round: from the raw output's
// lines to the verdict. And where there is none, none is found.
func TestATenthIsFoundUnderDrift(t *testing.T) {
	s := standard()
	s.engines, s.speed = []string{"custom", "slower", "same"}, map[string]float64{"custom": 1, "slower": 1.1 / 1.5, "same": 1 / 1.5}
	s.noise, s.drift = 0.03, 0.35
	a := s.analysis(t)
	for _, payload := range s.payloads {
		f := a.find(t, "decode", "contract", payload)
		o := f.compare("slower", "custom")
		assert.Equal(t, stats.Higher, o.verdict, "%s: %+v, floor %v", payload, o, f.floor)
		assert.InDelta(t, 1.1, o.Ratio.Value, 0.04, payload)
		assert.Equal(t, stats.Undecided, f.compare("same", "custom").verdict, payload)
		assert.Equal(t, stats.Lower, f.compare("custom", "slower").verdict, "seen from the other side")
		assert.InDelta(t, 1/1.1, f.compare("custom", "slower").Ratio.Value, 0.04)
		assert.Equal(t, []string{"custom", "same"}, f.leaders(), payload)
		assert.Equal(t, "~ custom and same", f.winner())
		assert.Less(t, f.floor, 1.1)
	}
	sentences := strings.Join(a.verdicts(), "\n")
	assert.Contains(t, sentences, "Decoding, under the contract: no single fastest engine was shown on one (custom and same), batch100 (custom and same) and rejected (custom and same).")
	assert.Contains(t, sentences, "The service, one: no single cheapest engine was shown among")
}

func TestVerdictsNameWinnersAndLosses(t *testing.T) {
	s := standard()
	s.only = map[string]float64{"sonic one": 0.4}
	a := s.analysis(t)
	sentences := strings.Join(a.verdicts(), "\n")
	for _, want := range []string{
		"Decoding, under the contract: custom is the fastest of 4 engines on 3 of 3 payloads, over the next best from custom 1.20× sonic on one (p<0.001, noise floor ±",
		"The handler: custom is the fastest of 4 engines on 3 of 3 payloads",
		"Decoding, the libraries bare (which check less): sonic is the fastest of 4 engines on 1 of 3 payloads, sonic 1.25× custom on one (p<0.001, noise floor ±",
		"The service, batch100: custom takes the least CPU per metric, 29% less (95% CI 29–30%) than sonic (p<0.001, noise floor ±",
		"and 71% less (95% CI 71–71%) than std",
		"Losses of custom: decode, bare: sonic 1.25× custom on one (p<0.001",
	} {
		assert.Contains(t, sentences, want)
	}
	costs := strings.Join(a.costsOfContract(), "\n")
	assert.Contains(t, costs, "fastjson takes 1.50× the CPU time under the contract that it takes bare")
	assert.Contains(t, costs, "It lacks UTF-8")
	assert.NotContains(t, costs, "on rejected", "a bare library does other work there")

	s.only = nil
	s.speed = map[string]float64{"custom": 1, "fastjson": 3, "sonic": 0.3, "std": 12}
	losing := standard()
	losing.engines, losing.speed = s.engines, s.speed
	last := losing.analysis(t).losses()
	assert.Contains(t, last, "service: sonic takes 45% less", "a loss of the base at the service level is one of CPU")
	assert.Contains(t, standard().analysis(t).losses(), "Losses of custom: none")
}

func TestOneEngineAlone(t *testing.T) {
	s := standard()
	s.engines = []string{"custom"}
	a := s.analysis(t)
	sentences := strings.Join(a.verdicts(), "\n")
	assert.Contains(t, sentences, "Decoding, under the contract: only custom was measured.")
	assert.Contains(t, sentences, "The service, one: only custom was measured.")
	assert.Equal(t, "custom", a.find(t, "decode", "contract", "one").winner())
	require.NoError(t, a.write(t.TempDir()))
}

func TestAQuickLookHasNoVerdict(t *testing.T) {
	s := standard()
	s.rounds = 2
	a := s.analysis(t, func(i *Info) { i.Mode = "quick" })
	require.Len(t, a.verdicts(), 1)
	assert.Contains(t, a.verdicts()[0], "without a verdict")
	readme, err := a.readme()
	require.NoError(t, err)
	assert.NotContains(t, string(readme), "noise floor ±")
}

func TestUnknownEnginesAreNotDescribed(t *testing.T) {
	s := standard()
	s.engines, s.speed = []string{"custom", "other"}, map[string]float64{"custom": 1, "other": 2}
	costs := s.analysis(t).costsOfContract()
	require.Len(t, costs, 2)
	assert.Contains(t, costs[0], "It lacks nothing")
	assert.NotContains(t, costs[1], "It lacks")
}

func TestRawOutputIsReadInItsOrder(t *testing.T) {
	raw := benchmarks.Line(benchmarks.Name("decode", "std", "none", "one"), 10, []benchmarks.Value{{Unit: "ns/op", Number: 5}}) +
		benchmarks.Line(benchmarks.Name("decode", "std", "none", "one"), 10, []benchmarks.Value{{Unit: "ns/op", Number: 4}})
	s, err := parseSamples(strings.NewReader("goos: linux\n"+raw), "raw.txt")
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float64{5e-9, 4e-9}, s[cell{level: "decode", guard: "none", payload: "one"}]["std"]["sec/op"], 1e-15)
	_, err = parseSamples(strings.NewReader("BenchmarkX nothing\n"), "raw.txt")
	assert.ErrorContains(t, err, "cannot read the raw output")
	_, err = parseSamples(strings.NewReader("BenchmarkX 1 2 ns/op\n"+strings.Repeat("x", 1<<20)), "raw.txt")
	assert.ErrorContains(t, err, "cannot read the raw output")
}

func TestBrokenRawOutputIsNoResult(t *testing.T) {
	s := standard()
	for name, c := range map[string]struct {
		info func(*Info)
		says string
	}{
		"no twin":    {func(i *Info) { i.Base = "std" }, "engines std-again and std"},
		"no engine":  {func(i *Info) { i.Engines = append(i.Engines, "custom-again"); i.Base = "custom-again" }, "custom-again-again"},
		"zero times": {nil, "must be positive"},
	} {
		dir := t.TempDir()
		s.write(t, dir, func(i *Info) {
			if c.info != nil {
				c.info(i)
			}
		})
		info, err := readInfo(dir)
		require.NoError(t, err)
		samples, err := readSamples(dir + "/raw.txt")
		require.NoError(t, err)
		if c.info == nil {
			samples[cell{level: "decode", guard: "contract", payload: "one"}]["std"][unitTime][3] = 0
		}
		_, err = analyse(info, samples)
		assert.ErrorContains(t, err, c.says, name)
	}
}

func TestWords(t *testing.T) {
	for ratio, want := range map[float64]string{1: "1.00×", 1.994: "1.99×", 1.996: "2.0×", 4.14: "4.1×", 9.94: "9.9×", 9.96: "10×", 123: "123×"} {
		assert.Equal(t, want, timesText(ratio))
	}
	assert.Equal(t, "12.3× (9.00–100)", intervalText(stats.Estimate{Value: 12.3, Low: 9, High: 100.2}))
	for floor, want := range map[float64]string{1: "±0.0%", 1.0501: "±5.1%", 1.06: "±6.0%", 1.104: "±11%"} {
		assert.Equal(t, want, floorText(floor))
	}
	assert.Equal(t, "p<0.001", pText(0.0009))
	assert.Equal(t, "p=0.012", pText(0.0123))
	assert.Equal(t, "a, b and c", list([]string{"a", "b", "c"}))
	assert.Empty(t, list(nil))
}
