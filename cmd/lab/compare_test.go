package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/benchmarks"
	"metricstream/engines"
	"metricstream/pkg/metric"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleRoot(t.Context())
	require.NoError(t, err)
	return dir
}

// small is a lab whose run takes seconds. Its plan is quick, so it reaches no verdict.
func small(t *testing.T, c choice) (*lab, *bytes.Buffer) {
	t.Helper()
	c.quick = true
	p := c.must(t)
	p.rounds, p.slice = 2, time.Millisecond
	p.service = timing{warmUp: 20 * time.Millisecond, closed: 100 * time.Millisecond, open: 100 * time.Millisecond}
	var out, errs bytes.Buffer
	l := &lab{plan: p, root: root(t), stdout: &out, stderr: &errs, info: newInfo(t.Context(), root(t), p, c.command())}
	l.dir = filepath.Join(t.TempDir(), "results", "2026-11-23-small")
	require.NoError(t, os.MkdirAll(l.dir, 0o755))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", &out, &errs)
		}
	})
	return l, &out
}

// The whole way, with the real program: every level measured, every file of the results made.
func TestCompare(t *testing.T) {
	l, out := small(t, choice{engines: "custom,std", payloads: "one,rejected"})
	l.mode, l.info.Mode = "full", "full" // p99.9 and verdicts too
	require.NoError(t, l.run(t.Context()))

	s, err := readSamples(filepath.Join(l.dir, "raw.txt"))
	require.NoError(t, err)
	for _, c := range []cell{
		{"decode", "none", "one", ""}, {"decode", "contract", "one", ""}, {"handler", "contract", "one", ""},
		{"decode", "none", "rejected", ""}, {"decode", "contract", "rejected", ""}, {"handler", "contract", "rejected", ""},
		{"service", "contract", "one", "closed"}, {"service", "contract", "one", "open"},
	} {
		rounds, units := l.rounds, []string{"sec/op", "cpu-sec/op", "B/op", "allocs/op"}
		switch {
		case c.load == "closed":
			rounds, units = l.serviceRounds, []string{"requests/s", "metrics/s", unitService, "GC-%", "B/op", "allocs/op"}
		case c.load == "open":
			rounds, units = l.serviceRounds, []string{"p50-sec", "p99-sec", "p99.9-sec", "send-lag-p99-sec", unitService, "peak-RSS-B"}
		}
		for _, engine := range []string{"custom", "custom-again", "std"} {
			for _, unit := range units {
				values := s[c][engine][unit]
				assert.Len(t, values, rounds, "%v %s %s", c, engine, unit)
				for _, v := range values {
					switch unit {
					case "B/op", "allocs/op", "GC-%", "send-lag-p99-sec":
						assert.GreaterOrEqual(t, v, 0.0, "%v %s %s", c, engine, unit)
					default:
						assert.Positive(t, v, "%v %s %s", c, engine, unit)
					}
				}
			}
		}
	}
	for _, engine := range []string{"custom", "std"} {
		cpu := s[cell{"service", "contract", "one", "closed"}][engine][unitService][0]
		assert.Less(t, cpu, 1000.0, "CPU seconds for a million metrics")
		assert.Greater(t, cpu, 0.5)
	}

	for _, name := range []string{"raw.txt", "README.md", "report.html", "benchstat.txt", "benchstat.csv", "benchstat-contract.txt", "benchstat-contract.csv",
		"environment.json", "environment.txt", "../README.md"} {
		content, err := os.ReadFile(filepath.Join(l.dir, name))
		if assert.NoError(t, err) {
			assert.NotEmpty(t, content, name)
			assert.NotContains(t, string(content), l.root, "%s tells of no directory of this machine", name)
		}
	}
	table, err := os.ReadFile(filepath.Join(l.dir, "benchstat.txt"))
	require.NoError(t, err)
	assert.Contains(t, string(table), "vs base")
	assert.Contains(t, string(table), "custom-again")
	assert.Contains(t, string(table), "Service/level=service/guard=contract/payload=one/load=open")
	records := csv.NewReader(strings.NewReader(read(t, filepath.Join(l.dir, "benchstat.csv"))))
	records.FieldsPerRecord = -1
	_, err = records.ReadAll()
	assert.NoError(t, err)

	info, err := readInfo(l.dir)
	require.NoError(t, err)
	assert.Contains(t, info.Bare, BareInfo{"std", "rejected", 0, 24, 0})
	assert.Positive(t, info.OpenRates["one"])
	assert.NotEmpty(t, info.Machine.CPU)
	assert.Contains(t, info.Floors, "service")
	assert.Contains(t, out.String(), "report.html")

	// The reports follow from the raw output alone.
	before := read(t, filepath.Join(l.dir, "README.md"))
	require.NoError(t, os.Remove(filepath.Join(l.dir, "README.md")))
	_, err = command(t, "report", l.dir)
	require.NoError(t, err)
	assert.Equal(t, before, read(t, filepath.Join(l.dir, "README.md")))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// An engine that drops a tag is not measured, however fast it is.
func TestAnEngineThatDropsATagIsNotMeasured(t *testing.T) {
	l, _ := small(t, choice{engines: "custom,std", payloads: "one,batch10"})
	l.engines = append(l.engines[:1:1], withFault(l.engines[1], "drops a tag"))
	err := l.run(t.Context())
	var d *benchmarks.Difference
	require.ErrorAs(t, err, &d)
	assert.Equal(t, benchmarks.Difference{Engine: "std", Payload: "batch10",
		Difference: metric.Difference{Metric: 4, Field: "tags", Got: d.Got, Want: d.Want}}, *d)
	assert.NoFileExists(t, filepath.Join(l.dir, "raw.txt"))
}

func TestARunCanBeInterrupted(t *testing.T) {
	l, _ := small(t, choice{engines: "custom", payloads: "one", levels: "decode"})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	assert.ErrorContains(t, l.run(ctx), "enough")
	assert.NoFileExists(t, filepath.Join(l.dir, "README.md"))
}

func TestCompareOfAnOwnPayload(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "traffic.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(benchmarks.CurlBody+"\n"+`{"metrics":[{"name":"a","value":1,"type":"counter"},{"name":"b","value":2.5,"type":"gauge"}]}`+"\n{\"broken\n"), 0o600))
	out := filepath.Join(dir, "out")
	stdout, err := command(t, "compare", "--quick", "--engines=custom,fastjson", "--levels=decode", "--rounds=1", "--payload="+path, "--out="+out)
	require.NoError(t, err)
	assert.Contains(t, stdout, "own")
	info, err := readInfo(out)
	require.NoError(t, err)
	assert.Equal(t, "Which JSON engine, for the bodies of traffic.jsonl?", info.Title)
	assert.Equal(t, []PayloadInfo{{"own", "the bodies of traffic.jsonl", 3, info.Payloads[0].Bytes, 2, 3}}, info.Payloads)
	assert.Contains(t, info.Command, "make bench-compare ENGINES=custom,fastjson PAYLOAD=")
}

func TestPlacesOfResults(t *testing.T) {
	l := &lab{root: t.TempDir(), info: Info{Date: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)}, plan: plan{mode: "default"}}
	for _, want := range []string{"2026-11-23-engines", "2026-11-23-engines-2", "2026-11-23-engines-3"} {
		dir, err := l.place("")
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(l.root, "results", want), dir)
		assert.DirExists(t, dir)
	}
	l.payloads = []benchmarks.Payload{{Name: "own"}}
	dir, err := l.place("")
	require.NoError(t, err)
	assert.Equal(t, "2026-11-23-own-payload", filepath.Base(dir))
	l.mode = "quick"
	dir, err = l.place("")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(l.root, "bin", "lab-quick"), dir, "a look leaves nothing in results")
	require.NoError(t, os.WriteFile(filepath.Join(l.root, "file"), nil, 0o600))
	_, err = l.place(filepath.Join(l.root, "file", "x"))
	assert.ErrorContains(t, err, "cannot make the folder of the results")
}

func TestIndex(t *testing.T) {
	results := filepath.Join(t.TempDir(), "results")
	standard().write(t, filepath.Join(results, "2026-11-23-engines"))
	newer := standard()
	newer.speed = map[string]float64{"custom": 1, "fastjson": 0.2, "sonic": 2, "std": 12}
	newer.write(t, filepath.Join(results, "2026-12-01-engines"), func(i *Info) { i.Date = i.Date.AddDate(0, 0, 8) })
	newer.write(t, filepath.Join(results, "2026-12-02-own-payload"), func(i *Info) {
		i.Date = i.Date.AddDate(0, 0, 9)
		i.Payloads[0].Name = "own"
	})
	for _, name := range []string{"2026-11-23-engines", "2026-12-01-engines", "2026-12-02-own-payload"} {
		if name == "2026-12-02-own-payload" { // its payload's samples are of another name: none are left of it
			require.NoError(t, os.WriteFile(filepath.Join(results, name, "README.md"), []byte("# An own payload\n"), 0o600))
			continue
		}
		_, err := command(t, "report", filepath.Join(results, name))
		require.NoError(t, err)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(results, "2026-10-01-other"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(results, "2026-10-01-other", "README.md"), []byte("text\n# How long a sync takes\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(results, "2026-10-02-empty"), 0o755))
	require.NoError(t, writeIndex(results))
	index := read(t, filepath.Join(results, "README.md"))
	assert.Contains(t, index, "From [2026-12-01-engines](2026-12-01-engines/README.md)", "the newest of the lab's own payloads")
	assert.Contains(t, index, "fastjson is the fastest of 4 engines")
	assert.Contains(t, index, "| payload | decode | decode, bare | handler | service |")
	assert.Contains(t, index, "| one | fastjson 3.3× custom | fastjson 5.0× custom |")
	assert.Contains(t, index, "| [2026-10-01-other](2026-10-01-other/README.md) | How long a sync takes |  |")
	assert.NotContains(t, index, "2026-10-02-empty")
	assert.Less(t, strings.Index(index, "| [2026-12-01"), strings.Index(index, "| [2026-11-23"), "the newest first")

	require.NoError(t, os.WriteFile(filepath.Join(results, "2026-11-23-engines", "raw.txt"), []byte("BenchmarkX\n"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(results, "2026-12-01-engines", "raw.txt")))
	assert.ErrorContains(t, writeIndex(results), "cannot read the raw output")
	assert.ErrorContains(t, writeIndex(filepath.Join(results, "none")), "cannot read the results")
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 10*time.Second)
	assert.Equal(t, 10*time.Second, p.left(0))
	p.add(5*time.Second, "round %d", 1)
	assert.Equal(t, 8*time.Second, p.left(8*time.Second), "half is done")
	p.add(time.Second, "soon after")
	p.terminal, p.last = true, time.Time{}
	p.add(time.Second, "terminal")
	p.add(3*time.Second, "end")
	text := out.String()
	assert.True(t, strings.HasPrefix(text, "round 1, "), text)
	assert.NotContains(t, text, "soon after", "lines do not follow each other closely")
	assert.Contains(t, text, "\r\x1b[Kterminal, ")
	assert.True(t, strings.HasSuffix(text, "\r\x1b[Kend, 0s left\n"), "%q", text)
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	assert.False(t, newProgress(f, 0).terminal)
	require.NoError(t, f.Close())
}

func TestEnginesThatDoNotRunAreNamed(t *testing.T) {
	for _, e := range engines.All() {
		if e.Check() != nil {
			_, _, err := chooseEngines(e.Name)
			assert.ErrorContains(t, err, "does not run in this build")
		}
	}
	chosen, notes, err := chooseEngines("")
	require.NoError(t, err)
	assert.Len(t, notes, len(engines.All())-len(chosen))
}
