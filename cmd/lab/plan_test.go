package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/benchmarks"
	"metricstream/engines"
)

func (c choice) must(t *testing.T) plan {
	t.Helper()
	p, err := c.plan()
	require.NoError(t, err)
	return p
}

func names(list []benchmarks.Payload) (names []string) {
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}

func TestTheDefaultPlan(t *testing.T) {
	p := choice{}.must(t)
	assert.Len(t, p.engines, len(engines.All()))
	assert.Equal(t, "custom", p.base)
	assert.Len(t, p.payloads, len(benchmarks.Payloads()))
	assert.GreaterOrEqual(t, p.serviceRounds, leastRuns)
	assert.Equal(t, []string{"one", "batch100"}, names(p.servicePayloads()))
	l := lab{plan: p}
	operations := 0
	for _, b := range p.blocks() {
		operations += len(b)
	}
	assert.Equal(t, 14*3*8, operations, "payloads × (decode twice, handler) × (engines and the twin)")
	assert.Less(t, l.total(operations, p.slice*5/4), 9*time.Minute, "the default has ten minutes, builds included")
	quick := choice{quick: true}.must(t)
	l.plan = quick
	assert.Less(t, l.total(operations, quick.slice*5/4), 60*time.Second, "the quick look has ninety seconds")
	full := choice{full: true}.must(t)
	assert.Equal(t, len(p.payloads)-1, len(full.servicePayloads()), "all but the rejected")
}

func TestNarrowPlans(t *testing.T) {
	p := choice{engines: "std,sonic,custom", base: "sonic", payloads: "tags,one", levels: "decode", rounds: 12}.must(t)
	assert.Equal(t, []string{"std", "sonic", "custom"}, engineNames(p.engines))
	assert.Equal(t, "sonic", p.base)
	assert.Equal(t, []string{"one", "tags"}, names(p.payloads), "in the lab's order")
	assert.Equal(t, 12, p.rounds)
	assert.Equal(t, 12, p.serviceRounds)
	assert.Equal(t, []string{"sonic", "custom", "sonic-again", "std"}, engineNames(p.contestants()))
	assert.Equal(t, []string{"tags"}, names(choice{payloads: "tags"}.must(t).servicePayloads()), "where the usual ones are not asked for")

	path := filepath.Join(t.TempDir(), "mine.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(benchmarks.CurlBody+"\n"+benchmarks.CurlBody+"\nbad\n"), 0o600))
	p = choice{own: path}.must(t)
	assert.Equal(t, []string{"own"}, names(p.payloads))
	assert.Len(t, p.payloads[0].Bodies, 3)
	require.Equal(t, []string{"own"}, names(p.servicePayloads()))
	assert.Len(t, p.servicePayloads()[0].Bodies, 2, "what is refused is not kept by anyone")
	assert.Equal(t, "make bench-compare ENGINES=std BASE_ENGINE=std PAYLOAD=x ROUNDS=12 QUICK=1 FULL=1",
		choice{engines: "std", base: "std", own: "x", rounds: 12, quick: true, full: true}.command())
}

func TestBlocksKeepWhatIsComparedTogether(t *testing.T) {
	p := choice{engines: "custom,std", payloads: "one,tags"}.must(t)
	blocks := p.blocks()
	require.Len(t, blocks, 4)
	for _, b := range blocks {
		for _, o := range b {
			assert.Equal(t, b[0].Level, o.Level)
			assert.Equal(t, b[0].Payload.Name, o.Payload.Name)
		}
	}
	assert.Len(t, blocks[0], 6, "custom, its twin and std, bare and under the contract")
	assert.Len(t, blocks[1], 3)
}

// Over the rounds everyone is first and last, and precedes as often as it follows.
func TestTurnsAreFair(t *testing.T) {
	for _, n := range []int{1, 3, 8, 16} {
		firsts := map[int]int{}
		before := map[[2]int]int{}
		for round := range 2 * n {
			order := turn(n, round)
			assert.Len(t, order, n)
			firsts[order[0]]++
			for i, a := range order {
				for _, b := range order[i+1:] {
					before[[2]int{a, b}]++
				}
			}
		}
		assert.GreaterOrEqual(t, len(firsts), (n+1)/2, "of %d", n)
		for pair, times := range before {
			assert.InDelta(t, n, times, float64(n)/2+1, "%d: %v", n, pair)
		}
	}
}

func TestCalibrationIsOneForAnEngineAndItsTwin(t *testing.T) {
	blocks := choice{engines: "custom,std", payloads: "one", levels: "decode"}.must(t).blocks()
	require.NoError(t, calibrate(t.Context(), blocks, 2*time.Millisecond))
	passes := map[string]int{}
	for _, o := range blocks[0] {
		passes[o.Guard+o.Engine.Name] = o.passes
	}
	for _, guard := range []string{benchmarks.GuardNone, benchmarks.GuardContract} {
		assert.Greater(t, passes[guard+"custom"], 5)
		assert.Equal(t, passes[guard+"custom"], passes[guard+"custom-again"])
		assert.Positive(t, passes[guard+"std"])
	}
}
