package benchmarks

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"metricstream/engines"
	"metricstream/pkg/ingest"
	"metricstream/pkg/metric"
	"metricstream/pkg/server"
)

// The levels at which the lab measures, and the two ways in which it takes an engine.
const (
	LevelDecode  = "decode"  // the decoder alone
	LevelHandler = "handler" // the production handler over prepared requests
	LevelService = "service" // the built program over TCP; cmd/lab runs it

	GuardNone     = "none"     // the library as it comes
	GuardContract = "contract" // with the checks that it lacks
)

// Operation is one thing to measure: the production code at a level, under an engine, over a payload.
// It is a description; each Measure builds afresh what it runs.
type Operation struct {
	Level   string
	Engine  engines.Engine
	Guard   string
	Payload Payload
}

// Name is the benchmark's name without its prefix: key=value parts, as benchstat wants them.
func (o Operation) Name() string { return Name(o.Level, o.Engine.Name, o.Guard, o.Payload.Name) }

// Name makes the name of a benchmark.
func Name(level, engine, guard, payload string) string {
	group := map[string]string{LevelDecode: "Decode", LevelHandler: "Handler", LevelService: "Service"}[level]
	return fmt.Sprintf("%s/level=%s/engine=%s/guard=%s/payload=%s", group, level, engine, guard, payload)
}

// tally is what came of a number of bodies.
type tally struct{ accepted, metrics int }

// run is an operation that is built.
type run struct {
	name string
	pass func() tally // takes every body of the payload once
	each tally        // what a pass must come to
}

// build makes the operation's decoder or handler, and passes once over the bodies, which grows its buffers.
func (o Operation) build() (*run, error) {
	r := &run{name: o.Name(), each: tally{o.Payload.Accepted, o.Payload.Metrics}}
	switch {
	case o.Level == LevelDecode && o.Guard == GuardNone:
		r.pass = decodeAll(o.Engine.Bare(), o.Payload.Bodies)
		r.each = r.pass() // a library as it comes may take what the contract refuses
		return r, nil
	case o.Level == LevelDecode && o.Guard == GuardContract:
		r.pass = decodeAll(o.Engine.New(), o.Payload.Bodies)
	case o.Level == LevelHandler && o.Guard == GuardContract:
		var err error
		if r.pass, err = handleAll(o.Engine, o.Payload.Bodies); err != nil {
			return nil, fmt.Errorf("cannot prepare %s: %w", r.name, err)
		}
	default:
		return nil, fmt.Errorf("cannot prepare %s: there is no such operation", r.name)
	}
	return r, r.times(1)
}

// times passes n times over the bodies, and fails if one pass came to something else than it must.
func (r *run) times(n int) error {
	var all tally
	for range n {
		t := r.pass()
		all.accepted += t.accepted
		all.metrics += t.metrics
	}
	if want := (tally{n * r.each.accepted, n * r.each.metrics}); all != want {
		return fmt.Errorf("%s is wrong: %d bodies with %d metrics were accepted in %d passes; %d with %d must be",
			r.name, all.accepted, all.metrics, n, want.accepted, want.metrics)
	}
	return nil
}

func decodeAll(d metric.Decoder, bodies [][]byte) func() tally {
	batch := new(metric.Batch)
	return func() (t tally) {
		for _, body := range bodies {
			if d.Decode(batch, body) == nil {
				t.accepted++
				t.metrics += len(batch.Metrics)
			}
		}
		return t
	}
}

// handleAll makes the production handler as a server's defaults do, with a sink and a limiter that cost nothing:
// both have benchmarks of their own, and their noise would hide the decoder here.
func handleAll(e engines.Engine, bodies [][]byte) (func() tally, error) {
	defaults := server.DefaultConfig()
	largest := defaults.MaxBodyBytes
	for _, body := range bodies {
		largest = max(largest, len(body))
	}
	sink := new(counter)
	h, err := ingest.New(ingest.Config{
		Engine: e.Name, NewDecoder: e.New, Ack: "memory",
		MaxBodyBytes: largest, MaxHeaderBytes: defaults.MaxHeaderBytes,
		RateLimit: defaults.RateLimit, RateWindow: defaults.RateWindow,
	}, sink, admitAll{}, nil, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	requests := make([]fasthttp.RequestCtx, len(bodies))
	for i, body := range bodies {
		requests[i].Init2(nil, nil, false)
		if err := requests[i].Request.Read(bufio.NewReader(bytes.NewReader(wire(body)))); err != nil {
			return nil, fmt.Errorf("cannot read a prepared request: %w", err)
		}
	}
	return func() (t tally) {
		before := sink.metrics
		for i := range requests {
			ctx := &requests[i]
			ctx.Response.Reset()
			h.Handle(ctx)
			if ctx.Response.StatusCode() == fasthttp.StatusAccepted {
				t.accepted++
			}
		}
		t.metrics = sink.metrics - before
		return t
	}, nil
}

// wire is a request as curl sends it.
func wire(body []byte) []byte {
	head := "POST /metrics HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n" +
		"Content-Type: application/json\r\nAuthorization: test_client\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return append([]byte(head), body...)
}

// counter is a sink that keeps nothing. One goroutine uses it.
type counter struct{ metrics int }

func (c *counter) Append(r metric.Record) error {
	c.metrics += r.Metrics
	return nil
}

type admitAll struct{}

func (admitAll) Allow([]byte, time.Time) (time.Duration, bool) { return 0, true }
