package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"metricstream/benchmarks"
	"metricstream/pkg/stats"
)

// cell is what the engines are compared in.
type cell struct {
	level, guard, payload string
	load                  string // at the service level: "closed" or "open"
}

// samples are the raw output read back: by cell, engine and unit, one number a round.
type samples map[cell]map[string]map[string][]float64

// readSamples reads raw output. Its lines stand in the order in which they were measured, so the i-th line of a name is round i.
func readSamples(path string) (samples, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the raw output: %w", err)
	}
	defer f.Close()
	return parseSamples(f, path)
}

func parseSamples(r io.Reader, name string) (samples, error) {
	s := samples{}
	lines := benchfmt.NewReader(r, name)
	for lines.Scan() {
		switch record := lines.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("cannot read the raw output: %w", record)
		case *benchfmt.Result:
			s.add(record)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the raw output: %w", err)
	}
	return s, nil
}

func (s samples) add(r *benchfmt.Result) {
	var c cell
	engine := ""
	_, parts := r.Name.Parts()
	for _, part := range parts {
		key, value, _ := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
		switch key {
		case "level":
			c.level = value
		case "engine":
			engine = value
		case "guard":
			c.guard = value
		case "payload":
			c.payload = value
		case "load":
			c.load = value
		}
	}
	if s[c] == nil {
		s[c] = map[string]map[string][]float64{}
	}
	if s[c][engine] == nil {
		s[c][engine] = map[string][]float64{}
	}
	for _, v := range r.Values {
		s[c][engine][v.Unit] = append(s[c][engine][v.Unit], v.Value)
	}
}

// median returns the median over the rounds with its interval, and whether there is one.
func (s samples) median(c cell, engine, unit string) (stats.Estimate, bool) {
	e, err := stats.Median(s[c][engine][unit], confidence)
	return e, err == nil
}

// has reports whether anything was measured in c.
func (s samples) has(c cell) bool { return len(s[c]) > 0 }

// payloads lists, in the order of names, those that have a cell like c but for the payload.
func (s samples) payloads(c cell, names []string) (have []string) {
	for _, name := range names {
		c.payload = name
		if s.has(c) {
			have = append(have, name)
		}
	}
	return have
}

// inOrder sorts the engines measured in c as names has them.
func (s samples) inOrder(c cell, names []string) []string {
	measured := slices.Collect(maps.Keys(s[c]))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(measured, name) })
}

// serviceName is the name of a benchmark at the service level.
func serviceName(engine, payload, load string) string {
	return benchmarks.Name(benchmarks.LevelService, engine, benchmarks.GuardContract, payload) + "/load=" + load
}
