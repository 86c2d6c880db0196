package benchmarks

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"time"
)

// Slice is one measurement of an operation, a few tens of milliseconds long.
type Slice struct {
	Bodies  int // operations in the sense of "ns/op"
	Metrics int
	Elapsed time.Duration
	CPU     time.Duration // of the whole process: a collection on another core costs no time, but it costs CPU
	Allocs  uint64
	Bytes   uint64 // allocated
}

// Measure passes that many times over the payload's bodies.
//
// What it runs is built afresh: what one slice happened to get from the allocator, a layout that suits the cache or
// one that does not, must not stay with an engine for the whole run. It also keeps the heap as small as a
// single operation needs, so that the collector works as often for an engine as that engine's garbage demands.
// A collection before the slice clears what the last one left; those within are the engine's own and count.
func (o Operation) Measure(passes int) (Slice, error) {
	r, err := o.build()
	if err != nil {
		return Slice{}, err
	}
	runtime.GC()
	if err := r.times(1); err != nil { // the collection emptied the pools
		return Slice{}, err
	}
	// Right after a collection the next one is megabytes away, further than most slices get. Garbage of a random size
	// puts the slice at a random place between two collections, so that on average it is charged its share of one.
	runtime.KeepAlive(make([]byte, rand.IntN(headroom)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	err = r.times(passes)
	elapsed := time.Since(start)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	return Slice{
		Bodies: passes * len(o.Payload.Bodies), Metrics: passes * r.each.metrics,
		Elapsed: elapsed, CPU: cpu,
		Allocs: after.Mallocs - before.Mallocs, Bytes: after.TotalAlloc - before.TotalAlloc,
	}, err
}

// headroom is the garbage after which a small heap is collected: the runtime's least.
const headroom = 4 << 20

// Calibrate returns how many passes take about that long. The same number is used in every round,
// for what is compared must be the same work.
func (o Operation) Calibrate(target time.Duration) (passes int, err error) {
	r, err := o.build()
	if err != nil {
		return 0, err
	}
	for passes = 1; ; passes *= 2 {
		start := time.Now()
		if err := r.times(passes); err != nil {
			return 0, err
		}
		if took := time.Since(start); took >= target/4 {
			return max(1, int(float64(passes)*float64(target)/float64(took)+0.5)), nil
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a bad argument alone
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Value is one number of a measurement with its unit, as benchstat knows it.
type Value struct {
	Unit   string
	Number float64
}

// Values returns s per operation.
func (s Slice) Values() []Value {
	n := float64(s.Bodies)
	values := []Value{{"ns/op", float64(s.Elapsed.Nanoseconds()) / n}, {"cpu-ns/op", float64(s.CPU.Nanoseconds()) / n}}
	if s.Metrics > 0 {
		values = append(values, Value{"metrics/s", float64(s.Metrics) / s.Elapsed.Seconds()})
	}
	return append(values, Value{"B/op", float64(s.Bytes) / n}, Value{"allocs/op", float64(s.Allocs) / n})
}

// Line makes a line of Go's benchmark format (https://golang.org/design/14313-benchmark-format).
func Line(name string, iterations int, values []Value) string {
	line := fmt.Sprintf("Benchmark%s", name)
	if procs := runtime.GOMAXPROCS(0); procs > 1 {
		line += fmt.Sprintf("-%d", procs)
	}
	line += fmt.Sprintf("\t%d", iterations)
	for _, v := range values {
		line += fmt.Sprintf("\t%.6g %s", v.Number, v.Unit)
	}
	return line + "\n"
}
