package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metricstream/benchmarks"
)

// synthetic is a run whose outcome is known: times that a drifting machine would give, from a fixed seed.
type synthetic struct {
	rounds   int
	engines  []string           // the first is the base
	speed    map[string]float64 // of each engine: what its time is multiplied with
	only     map[string]float64 // factors on "engine payload", besides
	payloads []string
	noise    float64 // of one slice, as the deviation of its logarithm
	drift    float64 // of a round, likewise
	tail     bool    // p99.9 too
}

func standard() synthetic {
	return synthetic{
		rounds: 16, engines: []string{"custom", "fastjson", "sonic", "std"}, payloads: []string{"one", "batch100", "rejected"},
		speed: map[string]float64{"custom": 1, "fastjson": 3, "sonic": 2, "std": 12}, noise: 0.01, drift: 0.3,
	}
}

// write makes a folder as compare leaves it before it reports.
func (s synthetic) write(t testing.TB, dir string, change ...func(*Info)) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 11))
	var raw strings.Builder
	raw.WriteString("goos: linux\ngoarch: amd64\npkg: metricstream/benchmarks\ncpu: Synthetic\nUnit requests/s better=higher\n")
	info := Info{
		Title: "Which JSON engine?", Date: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Command: "make bench-compare", Mode: "default",
		Engines: s.engines, Base: s.engines[0], Rounds: s.rounds, ServiceRounds: s.rounds, Slice: "22ms", ServiceSlice: "800ms", Connections: connections,
		OpenRates: map[string]float64{"one": 20000, "batch100": 2000}, Bare: []BareInfo{{"fastjson", "rejected", 0, 32, 0}},
		Machine: Machine{CPU: "Synthetic", Cores: 2, Kernel: "6.1", Governor: "not visible", Platform: "linux/amd64", Go: "go1.26", GOAMD64: "v3", GOMAXPROCS: 2},
		Commit:  "0123456789abcdef", Libraries: map[string]string{"github.com/valyala/fastjson": "v1.6.10"},
	}
	for _, p := range benchmarks.Payloads() {
		for _, name := range s.payloads {
			if p.Name == name {
				info.Payloads = append(info.Payloads, PayloadInfo{p.Name, p.Description, len(p.Bodies), p.Bytes(), p.Accepted, p.Metrics})
			}
		}
	}
	for range s.rounds {
		drift := math.Exp(s.drift * r.NormFloat64())
		for _, p := range info.Payloads {
			for _, engine := range append([]string{s.engines[0] + again}, s.engines...) {
				name := strings.TrimSuffix(engine, again)
				cost := func(base float64) float64 {
					factor := s.speed[name]
					if own, ok := s.only[name+" "+p.Name]; ok {
						factor *= own
					}
					return base * factor * drift * math.Exp(s.noise*r.NormFloat64())
				}
				line := func(level, guard string, ns float64) {
					values := []benchmarks.Value{{Unit: "ns/op", Number: ns}, {Unit: "cpu-ns/op", Number: ns * 1.1}}
					if p.Metrics > 0 {
						values = append(values, benchmarks.Value{Unit: "metrics/s", Number: 1e9 / ns})
					}
					raw.WriteString(benchmarks.Line(benchmarks.Name(level, engine, guard, p.Name), 100,
						append(values, benchmarks.Value{Unit: "B/op", Number: 64}, benchmarks.Value{Unit: "allocs/op", Number: 3})))
				}
				contract := 1.5
				if name == "custom" {
					contract = 1
				}
				line("decode", "contract", cost(100*contract))
				line("decode", "none", cost(100))
				line("handler", "contract", 500+cost(100*contract))
				if p.Accepted == 0 {
					continue
				}
				cpu := 10 * drift * math.Exp(s.noise*r.NormFloat64()) * math.Sqrt(s.speed[name])
				raw.WriteString(benchmarks.Line(serviceName(engine, p.Name, "closed"), 100, []benchmarks.Value{
					{Unit: "requests/s", Number: 1e5 / cpu}, {Unit: "metrics/s", Number: 1e5 / cpu}, {Unit: unitService, Number: cpu},
					{Unit: "GC-%", Number: 5}, {Unit: "B/op", Number: 100}, {Unit: "allocs/op", Number: 1.1}}))
				values := []benchmarks.Value{{Unit: "p50-ns", Number: 1e4 * cpu}, {Unit: "p99-ns", Number: 1e5 * cpu}}
				if s.tail {
					values = append(values, benchmarks.Value{Unit: "p99.9-ns", Number: 1e6 * cpu})
				}
				raw.WriteString(benchmarks.Line(serviceName(engine, p.Name, "open"), 100, append(values,
					benchmarks.Value{Unit: "send-lag-p99-ns", Number: 5e4}, benchmarks.Value{Unit: unitService, Number: cpu * 1.2}, benchmarks.Value{Unit: "peak-RSS-B", Number: 3e7})))
			}
		}
	}
	for _, c := range change {
		c(&info)
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "raw.txt"), []byte(raw.String()), 0o644))
	data, err := json.Marshal(info)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, infoFile), data, 0o644))
}

// analysis is what the lab makes of the run.
func (s synthetic) analysis(t testing.TB, change ...func(*Info)) *analysis {
	t.Helper()
	dir := t.TempDir()
	s.write(t, dir, change...)
	info, err := readInfo(dir)
	require.NoError(t, err)
	a, err := open(dir, info)
	require.NoError(t, err)
	return a
}

func (s synthetic) String() string { return fmt.Sprintf("%d rounds of %v", s.rounds, s.engines) }
