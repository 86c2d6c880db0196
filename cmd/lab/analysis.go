package main

import (
	"fmt"
	"slices"

	"metricstream/benchmarks"
	"metricstream/pkg/stats"
)

// What verdicts rest on, in units as benchstat reads them back; of each, lower is better.
//
// It is CPU time at every level, and not the time on the clock, for three reasons: what else the machine does
// in a slice does not count against an engine; what the collector does on other cores counts against the engine that
// makes the garbage, as it does in a server under load; and the levels can be set beside each other.
const (
	unitTime    = "cpu-sec/op" // of the whole process
	unitService = "cpu-s/Mmetrics"
)

// family is the comparisons of all engines with each other in one cell, in the one unit on which its verdict
// rests. They are adjusted together for their number (Holm). Families are not adjusted for each other:
// a reader decides on a level and a payload, not on all of them at once.
type family struct {
	cell
	unit    string
	engines []string
	median  map[string]stats.Estimate
	same    stats.Comparison // of the base with itself
	floor   float64          // of the noise, as a ratio
	pairs   map[[2]string]outcome
}

// outcome is one comparison, of a time or a cost: below 1 the first engine is the better one.
type outcome struct {
	stats.Comparison
	adjusted float64 // p
	verdict  stats.Verdict
}

func newFamily(s samples, c cell, unit string, names []string, base string) (*family, error) {
	f := &family{cell: c, unit: unit, engines: s.inOrder(c, names), median: map[string]stats.Estimate{}, pairs: map[[2]string]outcome{}}
	fail := func(err error) (*family, error) {
		return nil, fmt.Errorf("cannot compare at level %s, guard %s, payload %s: %w", c.level, c.guard, c.payload, err)
	}
	var err error
	if f.same, err = s.compare(c, unit, base+again, base); err != nil {
		return fail(err)
	}
	f.floor = stats.NoiseFloor(f.same)
	var keys [][2]string
	var p []float64
	for i, a := range f.engines {
		m, ok := s.median(c, a, unit)
		if !ok {
			return fail(fmt.Errorf("no %s of engine %s", unit, a))
		}
		f.median[a] = m
		for _, b := range f.engines[i+1:] {
			compared, err := s.compare(c, unit, a, b)
			if err != nil {
				return fail(err)
			}
			keys = append(keys, [2]string{a, b})
			p = append(p, compared.P)
			f.pairs[[2]string{a, b}] = outcome{Comparison: compared}
		}
	}
	rule := stats.Rule{Alpha: alpha, Floor: f.floor}
	for i, adjusted := range stats.Holm(p) {
		o := f.pairs[keys[i]]
		o.adjusted, o.verdict = adjusted, rule.Judge(o.Comparison, adjusted)
		f.pairs[keys[i]] = o
	}
	return f, nil
}

// compare pairs the rounds that both engines have; a run that was ended early may lack one's last.
func (s samples) compare(c cell, unit, a, b string) (stats.Comparison, error) {
	x, y := s[c][a][unit], s[c][b][unit]
	n := min(len(x), len(y))
	compared, err := stats.Paired(x[:n], y[:n], confidence)
	if err != nil {
		err = fmt.Errorf("engines %s and %s: %w", a, b, err)
	}
	return compared, err
}

// compare says how a stands to b.
func (f *family) compare(a, b string) outcome {
	if o, ok := f.pairs[[2]string{a, b}]; ok {
		return o
	}
	o := f.pairs[[2]string{b, a}]
	o.Comparison = inverse(o.Comparison)
	switch o.verdict {
	case stats.Lower:
		o.verdict = stats.Higher
	case stats.Higher:
		o.verdict = stats.Lower
	}
	return o
}

// inverse is the comparison with its sides swapped.
func inverse(c stats.Comparison) stats.Comparison {
	c.Ratio.Value, c.Ratio.Low, c.Ratio.High = 1/c.Ratio.Value, 1/c.Ratio.High, 1/c.Ratio.Low
	c.Effect = -c.Effect
	return c
}

// leaders are the engines that none is shown to beat: one, if it is shown to beat all others or is alone;
// otherwise those between which the lab does not decide.
func (f *family) leaders() (lead []string) {
	for _, a := range f.engines {
		if !slices.ContainsFunc(f.engines, func(b string) bool { return b != a && f.compare(b, a).verdict == stats.Lower }) {
			lead = append(lead, a)
		}
	}
	return lead
}

// next is the engine that comes closest to lead.
func (f *family) next(lead string) string {
	best := ""
	for _, e := range f.engines {
		if e != lead && (best == "" || f.compare(e, best).Ratio.Value < 1) {
			best = e
		}
	}
	return best
}

// analysis is all that the lab concludes from one folder's raw output.
type analysis struct {
	Info
	samples samples
	groups  []group
	prices  []price
}

// group is the families of one level and guard, by payload.
type group struct {
	level, guard, load string
	families           []*family
}

// title names the group in a heading or at the start of a sentence.
func (g group) title() string {
	switch {
	case g.level == benchmarks.LevelDecode && g.guard == benchmarks.GuardNone:
		return "Decoding, the libraries bare (which check less)"
	case g.level == benchmarks.LevelDecode:
		return "Decoding, under the contract"
	case g.level == benchmarks.LevelHandler:
		return "The handler"
	}
	return "The service"
}

// price is what the contract costs one engine's decoder: its time with the checks over that without.
type price struct {
	engine   string
	payloads []string
	ratios   []stats.Comparison
}

func analyse(info Info, s samples) (*analysis, error) {
	a := &analysis{Info: info, samples: s}
	for _, g := range []group{
		{level: benchmarks.LevelDecode, guard: benchmarks.GuardContract},
		{level: benchmarks.LevelDecode, guard: benchmarks.GuardNone},
		{level: benchmarks.LevelHandler, guard: benchmarks.GuardContract},
		{level: benchmarks.LevelService, guard: benchmarks.GuardContract, load: "closed"},
	} {
		c := cell{level: g.level, guard: g.guard, load: g.load}
		unit := unitTime
		if g.level == benchmarks.LevelService {
			unit = unitService
		}
		for _, c.payload = range s.payloads(c, info.payloadNames()) {
			f, err := newFamily(s, c, unit, info.Engines, info.Base)
			if err != nil {
				return nil, err
			}
			g.families = append(g.families, f)
		}
		if g.families != nil {
			a.groups = append(a.groups, g)
		}
	}
	return a, a.addPrices()
}

func (a *analysis) addPrices() error {
	with, without := cell{level: benchmarks.LevelDecode, guard: benchmarks.GuardContract}, cell{level: benchmarks.LevelDecode, guard: benchmarks.GuardNone}
	for _, engine := range a.Engines {
		p := price{engine: engine}
		for _, name := range a.samples.payloads(with, a.payloadNames()) {
			if a.payload(name).Accepted == 0 { // a bare library that takes bad bodies does other work
				continue
			}
			with.payload, without.payload = name, name
			x, y := a.samples[with][engine][unitTime], a.samples[without][engine][unitTime]
			n := min(len(x), len(y))
			c, err := stats.Paired(x[:n], y[:n], confidence)
			if err != nil {
				return fmt.Errorf("cannot tell what the contract costs %s on %s: %w", engine, name, err)
			}
			p.payloads, p.ratios = append(p.payloads, name), append(p.ratios, c)
		}
		if p.ratios != nil {
			a.prices = append(a.prices, p)
		}
	}
	return nil
}

// floors returns the widest noise floor of each level's families.
func (a *analysis) floors() map[string]float64 {
	floors := map[string]float64{}
	for _, g := range a.groups {
		for _, f := range g.families {
			floors[g.level] = max(floors[g.level], f.floor)
		}
	}
	return floors
}
