package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"metricstream/benchmarks"
	"metricstream/pkg/loadgen"
)

const (
	connections = 64
	// The open loop's rate, as a share of what the slowest engine managed in the closed one: far enough from
	// saturation that latency is the engine's and not the queue's.
	openShare = 0.4
	// A slice with more failures than that is none of a working server.
	mostFailures = 0.01
)

// service measures the built program.
type service struct {
	binary string
	timing timing
	tail   bool // report p99.9 too
}

// serviceSlice is one engine's part of a round.
type serviceSlice struct {
	closed, open []benchmarks.Value
	requests     [2]int // answered in each loop
	rate         float64
	bottleneck   string // why the generator, and not the server, bounded a loop
}

// measure starts the server and loads it: in a closed loop for the cost and the capacity, then, if rate is positive,
// at that rate for the latency. Every engine of a round is given the same seed and so the same arrivals.
func (s service) measure(ctx context.Context, engine string, payload benchmarks.Payload, rate float64, seed uint64) (result serviceSlice, err error) {
	dir, err := os.MkdirTemp("", "metricstream-lab-")
	if err != nil {
		return result, fmt.Errorf("cannot make a place for the server's data: %w", err)
	}
	defer os.RemoveAll(dir)
	p, err := startProgram(ctx, s.binary, engine, dir)
	if err != nil {
		return result, err
	}
	defer func() {
		if stopErr := p.stop(); err == nil {
			err = stopErr
		}
	}()
	load := loadgen.Config{
		URL: p.url, Connections: connections, WarmUp: s.timing.warmUp, Duration: s.timing.closed,
		Headers: []loadgen.Header{{Name: "Authorization", Value: "lab"}, {Name: "Content-Type", Value: "application/json"}},
		Bodies:  bodies(payload),
	}
	if result.closed, err = s.closedLoop(ctx, p, load, &result); err != nil {
		return result, fmt.Errorf("engine %s, payload %s, closed loop: %w", engine, payload.Name, err)
	}
	if rate <= 0 {
		return result, nil
	}
	load.Duration = s.timing.open
	if load.Arrivals, err = loadgen.NewPoisson(rate, seed); err == nil {
		result.open, err = s.openLoop(ctx, p, load, &result)
	}
	if err != nil {
		return result, fmt.Errorf("engine %s, payload %s, open loop: %w", engine, payload.Name, err)
	}
	return result, nil
}

func bodies(p benchmarks.Payload) []loadgen.Body {
	list := make([]loadgen.Body, len(p.Bodies))
	for i, n := range p.Counts() {
		list[i] = loadgen.Body{Data: p.Bodies[i], Metrics: n}
	}
	return list
}

func (s service) closedLoop(ctx context.Context, p *program, load loadgen.Config, result *serviceSlice) ([]benchmarks.Value, error) {
	first, err := p.scrape(ctx)
	if err != nil {
		return nil, err
	}
	before, err := p.scrape(ctx)
	if err != nil {
		return nil, err
	}
	window, r, err := s.run(ctx, p, load, result)
	if err != nil {
		return nil, err
	}
	after, err := p.scrape(ctx)
	if err != nil {
		return nil, err
	}
	// Of the warm-up too, and of the connections' beginning; the scrape's own are what the one before it cost.
	own, all := before.minus(first), after.minus(before)
	result.requests[0], result.rate = int(r.Answered()), r.RequestRate()
	return []benchmarks.Value{
		{Unit: "requests/s", Number: r.RequestRate()}, {Unit: "metrics/s", Number: r.MetricRate()},
		{Unit: unitService, Number: window.cpu.Seconds() * 1e6 / float64(r.Metrics)},
		{Unit: "GC-%", Number: 100 * float64(window.gc) / float64(window.cpu)},
		{Unit: "B/op", Number: max(0, all.bytes-own.bytes) / all.requests},
		{Unit: "allocs/op", Number: max(0, all.mallocs-own.mallocs) / all.requests},
	}, nil
}

func (s service) openLoop(ctx context.Context, p *program, load loadgen.Config, result *serviceSlice) ([]benchmarks.Value, error) {
	window, r, err := s.run(ctx, p, load, result)
	if err != nil {
		return nil, err
	}
	process, err := loadgen.ReadProcess(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	result.requests[1] = int(r.Answered())
	at := func(percent float64) float64 { return float64(r.Latency.ValueAtPercentile(percent)) }
	values := []benchmarks.Value{{Unit: "p50-ns", Number: at(50)}, {Unit: "p99-ns", Number: at(99)}}
	if s.tail {
		values = append(values, benchmarks.Value{Unit: "p99.9-ns", Number: at(99.9)})
	}
	return append(values,
		benchmarks.Value{Unit: "send-lag-p99-ns", Number: float64(r.SendLag.ValueAtPercentile(99))},
		benchmarks.Value{Unit: unitService, Number: window.cpu.Seconds() * 1e6 / float64(r.Metrics)},
		benchmarks.Value{Unit: "peak-RSS-B", Number: float64(process.PeakResident)}), nil
}

// window is what the server spent in the measured part of a loop.
type window struct{ cpu, gc time.Duration }

// run warms the server up with a load of its own, whose last answer is in before the window opens: requests under way
// then would cost time in the window and count outside it, and slow engines would have more of them.
func (s service) run(ctx context.Context, p *program, load loadgen.Config, result *serviceSlice) (w window, r *loadgen.Result, err error) {
	warm := load
	warm.Duration, warm.WarmUp = load.WarmUp, 0
	if _, err = loadgen.Run(ctx, warm); err != nil {
		return w, nil, fmt.Errorf("warm-up: %w", err)
	}
	load.WarmUp = 0
	pid := p.cmd.Process.Pid
	var beginErr error
	load.Began = func() {
		w.cpu, beginErr = processCPU(pid)
		w.gc = p.log.collections()
	}
	if r, err = loadgen.Run(ctx, load); err != nil {
		return w, r, err
	}
	cpu, err := processCPU(pid)
	if err == nil {
		err = beginErr
	}
	if err != nil {
		return w, r, err
	}
	w.cpu, w.gc = cpu-w.cpu, p.log.collections()-w.gc
	if failed := 1 - r.SuccessRate(); failed > mostFailures || r.Metrics == 0 {
		return w, r, fmt.Errorf("%.1f%% of %d requests were not accepted: statuses %v, failures %v, unsent %d",
			100*failed, r.Intended, r.Status, r.Errors, r.Unsent)
	}
	if why := r.Bottleneck(); why != "" {
		result.bottleneck = why
	}
	return w, r, nil
}
