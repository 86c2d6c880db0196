package loadgen

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Run drives the server as c says and returns what it measured. When ctx ends first it stops at once, counts the
// requests in flight as abandoned, and returns what it has together with the error. It fails, without a Result,
// when c is wrong; a server that is not there shows in the Result alone.
func Run(ctx context.Context, c Config) (*Result, error) {
	r, err := newRun(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("cannot run the load: %w", err)
	}
	defer r.close()
	return r.measure(ctx)
}

// run is one Run.
type run struct {
	Config
	tails    [][]byte // of the requests, one for each body
	workers  []*worker
	recorder *recorder
	schedule *schedule     // nil in the closed model
	end      time.Duration // of the measured part, since start
	start    time.Time     // set after all have dialled

	// Used by the goroutine of measure alone.
	mark    time.Duration // when the current interval began, since start
	markCPU time.Duration // CPU time of this process then
}

func newRun(ctx context.Context, c Config) (*run, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	to, err := parseTarget(c.URL)
	if err != nil {
		return nil, err
	}
	r := &run{Config: c, end: math.MaxInt64}
	if c.Duration > 0 {
		r.end = c.WarmUp + c.Duration
	}
	if c.Arrivals != nil {
		r.schedule = &schedule{warmUp: c.WarmUp, end: r.end, limit: c.Requests, pacer: c.Arrivals}
	}
	longest := 0
	for _, b := range c.Bodies {
		tail := b.appendTail(nil)
		r.tails = append(r.tails, tail)
		longest = max(longest, len(tail))
	}
	r.recorder = newRecorder(c.Arrivals != nil, min(c.Connections, runtime.GOMAXPROCS(0)))
	for i := range c.Connections {
		head, err := c.appendHead(nil, to, i)
		if err != nil {
			r.close()
			return nil, err
		}
		w := &worker{run: r, number: i, shard: &r.recorder.shards[i%len(r.recorder.shards)], client: client{
			addr: to.addr, head: slices.Grow(head, longest), dialTimeout: c.DialTimeout, timeout: c.RequestTimeout, fresh: c.FreshConnections,
			responses: newResponseReader(),
		}}
		r.workers = append(r.workers, w)
		if c.Arrivals != nil || c.Think > 0 {
			if w.sleeper, err = newSleeper(ctx); err != nil {
				r.close()
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *run) close() {
	for _, w := range r.workers {
		w.client.close()
		if w.sleeper != nil {
			w.sleeper.close()
		}
	}
}

// dialAll connects all clients at once, before the clock starts. One that cannot connect tries again with its
// first request, and that failure is counted.
func (r *run) dialAll(ctx context.Context) {
	if r.FreshConnections {
		return
	}
	var all sync.WaitGroup
	for _, w := range r.workers {
		all.Go(func() { _ = w.client.dial(ctx, time.Time{}) })
	}
	all.Wait()
}

func (r *run) measure(ctx context.Context) (*Result, error) {
	r.dialAll(ctx)
	var all sync.WaitGroup
	if r.WarmUp == 0 && r.Began != nil {
		r.Began()
	}
	r.start = time.Now()
	r.mark, r.markCPU = r.WarmUp, cpuTime()
	for _, w := range r.workers {
		w.client.epoch = r.start
		all.Go(func() { w.work(ctx) })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	if r.WarmUp > 0 {
		select {
		case <-time.After(time.Until(r.start.Add(r.WarmUp))):
			if r.Began != nil {
				r.Began()
			}
			r.markCPU = cpuTime()
		case <-done:
		}
	}
	r.snapshots(done)
	elapsed := time.Since(r.start)
	var unsent uint64
	if r.schedule != nil {
		cut := r.end
		if ctx.Err() != nil {
			cut = min(cut, elapsed)
		} else if r.Duration > 0 {
			elapsed = max(elapsed, r.end) // the last arrival may have come, and been answered, some time before
		}
		unsent = r.schedule.unsent(cut)
	}
	r.snapshot(elapsed, unsent)
	if err := context.Cause(ctx); err != nil {
		return r.recorder.total, fmt.Errorf("cannot finish the load: %w", err)
	}
	return r.recorder.total, nil
}

// snapshots reports at every interval until all workers are done.
func (r *run) snapshots(done <-chan struct{}) {
	if r.Snapshot == nil {
		<-done
		return
	}
	ticker := time.NewTicker(r.SnapshotEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.snapshot(time.Since(r.start), 0)
		case <-done:
			return
		}
	}
}

// snapshot ends an interval at the time now.
func (r *run) snapshot(now time.Duration, unsent uint64) {
	cpu := cpuTime()
	r.recorder.collect(max(now-r.mark, 0), cpu-r.markCPU, unsent, runtime.GOMAXPROCS(0))
	r.mark, r.markCPU = now, cpu
	if r.Snapshot != nil {
		r.Snapshot(now-r.WarmUp, r.recorder.interval)
	}
}
