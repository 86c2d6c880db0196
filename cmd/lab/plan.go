package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"metricstream/benchmarks"
	"metricstream/engines"
	"metricstream/pkg/stats"
)

// Confidence and alpha of every verdict: the risk of one false alarm in a family of comparisons.
const (
	alpha      = 0.05
	confidence = 1 - alpha
	leastRuns  = 10 // rounds that a verdict needs in any case
)

// again marks the second slice that the base engine has in each round: what differs between a base and its
// twin is the noise of the bench.
const again = "-again"

// plan says what is measured, and for how long.
type plan struct {
	mode     string // "quick", "default" or "full"
	engines  []engines.Engine
	base     string
	payloads []benchmarks.Payload
	levels   []string
	notes    []string // what a reader of the results should know of the plan

	rounds        int           // of the decode and handler levels
	serviceRounds int           // a service slice is a hundred times as long
	slice         time.Duration // of one operation in one round
	service       timing
}

// timing is how long the phases of a service slice are.
type timing struct{ warmUp, closed, open time.Duration }

// whole is about how long a service slice takes, the start and end of the program included.
func (t timing) whole() time.Duration { return 2*t.warmUp + t.closed + t.open + 200*time.Millisecond }

// choice is what the command line asks for.
type choice struct {
	engines, base, payloads, own, levels string
	rounds                               int
	quick, full                          bool
}

func (c choice) plan() (plan, error) {
	p := plan{mode: "default", rounds: 16, serviceRounds: 12, slice: 20 * time.Millisecond,
		service: timing{warmUp: 150 * time.Millisecond, closed: 600 * time.Millisecond, open: 600 * time.Millisecond}}
	wrong := func(format string, args ...any) (plan, error) {
		return plan{}, fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
	}
	switch {
	case c.quick && c.full:
		return wrong("--quick and --full exclude each other")
	case c.quick:
		p.mode, p.rounds, p.serviceRounds, p.slice = "quick", 3, 1, 8*time.Millisecond
		p.service = timing{warmUp: 100 * time.Millisecond, closed: 300 * time.Millisecond, open: 300 * time.Millisecond}
	case c.full:
		p.mode = "full"
	}
	if c.rounds != 0 {
		p.rounds, p.serviceRounds = c.rounds, c.rounds
	}
	var err error
	if p.engines, p.notes, err = chooseEngines(c.engines); err != nil {
		return wrong("%w", err)
	}
	if p.base, err = chooseBase(c.base, p.engines); err != nil {
		return wrong("%w", err)
	}
	if p.payloads, err = choosePayloads(c.payloads, c.own); err != nil {
		return wrong("%w", err)
	}
	if p.levels, err = choose(c.levels, []string{benchmarks.LevelDecode, benchmarks.LevelHandler, benchmarks.LevelService}, "level"); err != nil {
		return wrong("%w", err)
	}
	pairs := len(p.engines) * (len(p.engines) - 1) / 2
	if need := max(leastRuns, stats.MinRounds(pairs, alpha)); p.mode != "quick" && min(p.rounds, p.serviceRounds) < need {
		return wrong("%d rounds cannot decide %d comparisons; at least %d are needed, or --quick for a look without a verdict", c.rounds, pairs, need)
	}
	return p, nil
}

// chooseEngines returns the named engines, or all that run their own code in this build.
func chooseEngines(list string) (chosen []engines.Engine, notes []string, err error) {
	if list == "" {
		for _, e := range engines.All() {
			if err := e.Check(); err != nil {
				notes = append(notes, fmt.Sprintf("%s was not measured: %v", e.Name, err))
				continue
			}
			chosen = append(chosen, e)
		}
		return chosen, notes, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		e, err := engines.Lookup(name)
		if err != nil {
			return nil, nil, err
		}
		if err := e.Check(); err != nil {
			return nil, nil, fmt.Errorf("%s does not run in this build: %w", name, err)
		}
		if slices.ContainsFunc(chosen, func(c engines.Engine) bool { return c.Name == name }) {
			return nil, nil, fmt.Errorf("engine %s is named twice", name)
		}
		chosen = append(chosen, e)
	}
	return chosen, nil, nil
}

// chooseBase returns the engine that the others are compared with.
func chooseBase(name string, among []engines.Engine) (string, error) {
	names := engineNames(among)
	switch {
	case name == "":
		return names[0], nil
	case !slices.Contains(names, name):
		return "", fmt.Errorf("the base %s is not among the engines measured: %s", name, strings.Join(names, ", "))
	}
	return name, nil
}

func engineNames(list []engines.Engine) (names []string) {
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names
}

func choosePayloads(list, own string) ([]benchmarks.Payload, error) {
	if own != "" {
		if list != "" {
			return nil, fmt.Errorf("an own payload and a list of the lab's exclude each other")
		}
		p, err := benchmarks.Load(own)
		return []benchmarks.Payload{p}, err
	}
	all := benchmarks.Payloads()
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	names, err := choose(list, names, "payload")
	return slices.DeleteFunc(all, func(p benchmarks.Payload) bool { return !slices.Contains(names, p.Name) }), err
}

// choose returns the names in the comma-separated list, all of which must be known; all known ones if it is empty.
func choose(list string, known []string, what string) ([]string, error) {
	if list == "" {
		return known, nil
	}
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no %s %q; there are %s", what, name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// servicePayloads are those that the service level is measured with, reduced to the bodies that are accepted:
// for a refused metric there is no cost of keeping it.
func (p plan) servicePayloads() (chosen []benchmarks.Payload) {
	standard := []string{"one", "batch100"}
	defaults := p.mode != "full" && slices.ContainsFunc(p.payloads, func(p benchmarks.Payload) bool { return slices.Contains(standard, p.Name) })
	for _, payload := range p.payloads {
		if payload.Accepted > 0 && (!defaults || slices.Contains(standard, payload.Name)) {
			chosen = append(chosen, payload.Good())
		}
	}
	return chosen
}

// contestants are the engines in the order in which a round without a turn takes them. The base's twin stands
// half a round from the base, as far as two engines stand from each other on average.
func (p plan) contestants() []engines.Engine {
	twin, err := engines.Lookup(p.base)
	if err != nil { // the base is one of the engines
		panic(err)
	}
	twin.Name += again
	at := slices.IndexFunc(p.engines, func(e engines.Engine) bool { return e.Name == p.base })
	list := append(slices.Clone(p.engines[at:]), p.engines[:at]...)
	return slices.Insert(list, (len(list)+1)/2, twin)
}

// block is the operations of one payload at one level. In a round they follow each other without anything in between.
type block []operation

// operation is one with the number of passes that every round gives it.
type operation struct {
	benchmarks.Operation
	passes int
}

// blocks lists what the decode and handler levels measure. The two guards of the decode level share a block,
// for they are compared as well.
func (p plan) blocks() (blocks []block) {
	for _, payload := range p.payloads {
		for _, level := range p.levels {
			var b block
			for _, guard := range []string{benchmarks.GuardContract, benchmarks.GuardNone} {
				if level == benchmarks.LevelService || level == benchmarks.LevelHandler && guard == benchmarks.GuardNone {
					continue
				}
				for _, e := range p.contestants() {
					b = append(b, operation{benchmarks.Operation{Level: level, Engine: e, Guard: guard, Payload: payload}, 0})
				}
			}
			if b != nil {
				blocks = append(blocks, b)
			}
		}
	}
	return blocks
}

// turn is the order in which the n parts of a block are taken in a round: each round begins one further on, and two of
// four run backwards, so that none always follows the same neighbour or comes first. (Were it every other one, an even
// number of parts would divide into those that are ever first and those that are ever last.)
func turn(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + round) % n
	}
	if round/2%2 == 1 {
		slices.Reverse(order)
	}
	return order
}
