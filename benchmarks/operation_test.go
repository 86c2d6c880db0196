package benchmarks

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"metricstream/engines"
	"metricstream/pkg/metric"
)

func TestEveryOperationRuns(t *testing.T) {
	for _, e := range engines.All() {
		for _, p := range Payloads() {
			if p.Name == "large" && e.Name != "custom" {
				continue // slow, and nothing new
			}
			for _, o := range []Operation{
				{LevelDecode, e, GuardNone, p}, {LevelDecode, e, GuardContract, p}, {LevelHandler, e, GuardContract, p},
			} {
				s, err := o.Measure(2)
				require.NoError(t, err)
				assert.Equal(t, 2*len(p.Bodies), s.Bodies, o.Name())
				assert.Positive(t, s.Elapsed, o.Name())
				if o.Guard == GuardContract {
					assert.Equal(t, 2*p.Metrics, s.Metrics, o.Name())
				}
			}
		}
	}
}

func TestOperationsThatAreNone(t *testing.T) {
	for _, o := range []Operation{
		{Level: LevelHandler, Guard: GuardNone}, {Level: LevelService, Guard: GuardContract}, {Level: LevelDecode, Guard: "some"},
	} {
		_, err := o.Measure(1)
		assert.ErrorContains(t, err, "there is no such operation", o.Name())
		_, err = o.Calibrate(time.Millisecond)
		assert.ErrorContains(t, err, "there is no such operation", o.Name())
	}
}

// An engine that turns wrong while it is measured spoils no result: the measurement fails.
func TestAWrongOperationIsNotMeasured(t *testing.T) {
	for _, level := range []string{LevelDecode, LevelHandler} {
		bodies := 0
		for _, failFrom := range []int{1, 11, 21} { // while building, warming and measuring
			bodies = 0
			e := spoiled(t, func(b *metric.Batch, err error) error {
				if bodies++; bodies >= failFrom {
					b.Truncate(len(b.Metrics)-1, len(b.Tags))
				}
				return err
			})
			p := payload(t, "batch10")
			for range 9 {
				p.Bodies = append(p.Bodies, p.Bodies[0])
			}
			p.Accepted, p.Metrics = 10, 100
			_, err := Operation{level, e, GuardContract, p}.Measure(3)
			assert.ErrorContains(t, err, "is wrong: ", "%s from body %d", level, failFrom)
		}
		bodies = 0
		e := spoiled(t, func(b *metric.Batch, err error) error {
			if bodies++; bodies > 3 {
				b.Reset()
			}
			return err
		})
		_, err := Operation{level, e, GuardContract, payload(t, "batch10")}.Calibrate(time.Hour)
		assert.ErrorContains(t, err, "is wrong: ", level)
	}
}

func TestABrokenEngineStopsTheHandler(t *testing.T) {
	e := engine(t, "custom")
	e.New = nil
	_, err := Operation{LevelHandler, e, GuardContract, payload(t, "one")}.Measure(1)
	assert.ErrorContains(t, err, "no decoder")
}

// sleepy is an engine that takes a known time for a body.
func sleepy(t *testing.T, d time.Duration) engines.Engine {
	return spoiled(t, func(_ *metric.Batch, err error) error { time.Sleep(d); return err })
}

func TestCalibration(t *testing.T) {
	o := Operation{LevelDecode, sleepy(t, time.Millisecond), GuardContract, payload(t, "one")}
	passes, err := o.Calibrate(40 * time.Millisecond)
	require.NoError(t, err)
	assert.LessOrEqual(t, passes, 40, "a body takes a millisecond or more")
	assert.Greater(t, passes, 2)
	o.Engine = sleepy(t, 20*time.Millisecond)
	passes, err = o.Calibrate(time.Millisecond)
	require.NoError(t, err)
	assert.Equal(t, 1, passes, "at least one pass, however long it takes")
}

func TestMeasureCountsAllocations(t *testing.T) {
	var kept []byte
	e := spoiled(t, func(_ *metric.Batch, err error) error { kept = make([]byte, 4096); return err })
	s, err := Operation{LevelDecode, e, GuardContract, payload(t, "one")}.Measure(1000)
	require.NoError(t, err)
	require.Len(t, kept, 4096)
	assert.InDelta(t, 1000, float64(s.Allocs), 100)
	assert.InDelta(t, 4096*1000, float64(s.Bytes), 4096*100)
	assert.Positive(t, s.CPU+time.Nanosecond)
	values := map[string]float64{}
	for _, v := range s.Values() {
		values[v.Unit] = v.Number
	}
	assert.InDelta(t, 1, values["allocs/op"], 0.1)
	assert.InDelta(t, 1e9/values["ns/op"], values["metrics/s"], 1, "one metric a body")
	assert.Contains(t, values, "cpu-ns/op")
	assert.Contains(t, values, "B/op")
}

// What Line writes is read back by the tools of Go's benchmark format.
func TestLinesAreInGosBenchmarkFormat(t *testing.T) {
	s := Slice{Bodies: 1000, Metrics: 5000, Elapsed: 2 * time.Millisecond, CPU: time.Millisecond, Allocs: 3000, Bytes: 64000}
	name := Operation{LevelHandler, engine(t, "json-v2"), GuardContract, payload(t, "one")}.Name()
	r := benchfmt.NewReader(strings.NewReader(Line(name, s.Bodies, s.Values())), "raw.txt")
	require.True(t, r.Scan())
	result, ok := r.Result().(*benchfmt.Result)
	require.True(t, ok, "%v", r.Result())
	_, parts := result.Name.Parts()
	var keys []string
	for _, p := range parts[:4] {
		keys = append(keys, string(p))
	}
	assert.Equal(t, "Handler", string(result.Name.Base()))
	assert.Equal(t, []string{"/level=handler", "/engine=json-v2", "/guard=contract", "/payload=one"}, keys)
	assert.Equal(t, 1000, result.Iters)
	for unit, want := range map[string]float64{"sec/op": 2e-6, "cpu-sec/op": 1e-6, "metrics/s": 2.5e6, "B/op": 64, "allocs/op": 3} {
		got, ok := result.Value(unit)
		assert.True(t, ok, unit)
		assert.InEpsilon(t, want, got, 1e-6, unit)
	}
	assert.NotContains(t, Line("X", 1, Slice{Bodies: 1, Elapsed: 1}.Values()), "metrics/s", "where nothing is accepted there is no rate")
}
