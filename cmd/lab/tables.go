package main

import (
	"fmt"

	"metricstream/benchmarks"
	"metricstream/pkg/report"
	"metricstream/pkg/stats"
)

// perMetric turns a unit per operation into one per metric; a payload of which nothing is accepted stays per body.
func (a *analysis) perMetric(payload string, e stats.Estimate, factor float64) report.Value {
	if p := a.payload(payload); p.Metrics > 0 {
		factor *= float64(p.Bodies) / float64(p.Metrics)
	}
	return report.Value{V: e.Value * factor, Low: e.Low * factor, High: e.High * factor}
}

// payloadLabel is the payload's name, with what its numbers are counted by where that is not the metric.
func (a *analysis) payloadLabel(name string) string {
	if a.payload(name).Metrics == 0 {
		return name + " (per body)"
	}
	return name
}

// measure is a number that was measured at a level, and how to show it.
type measure struct {
	caption, unit string // unit as it is shown
	axis          string // its name beside a chart; only what is drawn has one
	raw           string // as it stands in the raw output, read back
	factor        float64
	perMetric     bool
	load          string
	better        report.Better
	si            bool // show the number with a prefix of its own
}

// values returns the medians of m in one cell, by engine.
func (a *analysis) values(c cell, m measure) []report.Value {
	values := make([]report.Value, len(a.Engines))
	for i, engine := range a.Engines {
		values[i] = report.Missing()
		e, ok := a.samples.median(c, engine, m.raw)
		switch {
		case ok && m.perMetric:
			values[i] = a.perMetric(c.payload, e, m.factor)
		case ok:
			values[i] = report.Value{V: e.Value * m.factor, Low: e.Low * m.factor, High: e.High * m.factor}
		}
	}
	return values
}

// medians is a table of m: payloads down, engines across.
func (a *analysis) medians(g group, m measure) *report.Table {
	t := &report.Table{Caption: m.caption, Columns: []report.Column{{Name: "payload"}}}
	for _, engine := range a.Engines {
		unit := m.unit
		if m.si {
			unit = ""
		}
		t.Columns = append(t.Columns, report.Column{Name: engine, Unit: unit})
	}
	for _, group := range a.groupsOf(g, m) {
		row := []report.Cell{report.Text(group.Label)}
		for _, v := range group.Values {
			if m.si {
				row = append(row, report.Shown(v.V, report.SI(v.V, m.unit)))
			} else {
				row = append(row, report.Number(v.V))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.MarkBest(m.better)
	return t
}

// groupsOf is what a table of m and a chart of it both show.
func (a *analysis) groupsOf(g group, m measure) (groups []report.Group) {
	for _, f := range g.families {
		c := f.cell
		if m.load != "" {
			c.load = m.load
		}
		label := f.payload
		if m.perMetric {
			label = a.payloadLabel(f.payload)
		}
		groups = append(groups, report.Group{Label: label, Values: a.values(c, m)})
	}
	return groups
}

// The measures of the levels. The first of a list is the one that its verdict rests on, and is drawn.
var (
	operationMeasures = []measure{
		{caption: "CPU time, the collector's threads included", unit: "ns/metric", raw: unitTime, factor: 1e9, perMetric: true, axis: "CPU time"},
		{caption: "Time on the clock", unit: "ns/metric", raw: "sec/op", factor: 1e9, perMetric: true},
		{caption: "Throughput of one goroutine, by the clock", unit: "metrics/s", raw: "metrics/s", factor: 1, better: report.Higher},
		{caption: "Allocations", unit: "per body", raw: "allocs/op", factor: 1},
		{caption: "Bytes allocated", unit: "B per body", raw: "B/op", factor: 1},
	}
	serviceMeasures = []measure{
		{caption: "CPU of the server for a million metrics, closed loop", unit: "s", raw: unitService, factor: 1, axis: "CPU time"},
		{caption: "Requests, closed loop", unit: "req/s", raw: "requests/s", factor: 1, better: report.Higher, axis: "requests"},
		{caption: "Metrics, closed loop", unit: "metrics/s", raw: "metrics/s", factor: 1, better: report.Higher},
		{caption: "Share of the collector in the server's CPU, closed loop; by the runtime's own account, an upper estimate", unit: "%", raw: "GC-%", factor: 1},
		{caption: "Allocations, closed loop", unit: "per request", raw: "allocs/op", factor: 1},
		{caption: "Bytes allocated, closed loop", unit: "B per request", raw: "B/op", factor: 1},
		{caption: "CPU of the server for a million metrics, open loop", unit: "s", raw: unitService, factor: 1, load: "open"},
		{caption: "Latency p50, open loop, from the intended send time", unit: "s", raw: "p50-sec", factor: 1, load: "open", si: true},
		{caption: "Latency p99, open loop, from the intended send time", unit: "s", raw: "p99-sec", factor: 1, load: "open", si: true},
		{caption: "Latency p99.9, open loop, from the intended send time", unit: "s", raw: "p99.9-sec", factor: 1, load: "open", si: true},
		{caption: "How late the generator sent, p99, open loop", unit: "s", raw: "send-lag-p99-sec", factor: 1, load: "open", si: true},
		{caption: "Peak resident memory of the server, both loops", unit: "B", raw: "peak-RSS-B", factor: 1, load: "open", si: true},
	}
)

func (g group) measures() []measure {
	if g.level == benchmarks.LevelService {
		return serviceMeasures
	}
	return operationMeasures
}

// measured reports whether any engine has m in g: p99.9 is measured in the full run alone, rates where metrics are accepted.
func (a *analysis) measured(g group, m measure) bool {
	for _, f := range g.families {
		c := f.cell
		if m.load != "" {
			c.load = m.load
		}
		for _, engine := range a.Engines {
			if len(a.samples[c][engine][m.raw]) > 0 {
				return true
			}
		}
	}
	return false
}

// ratios is the table of how the engines stand to the base; its last columns are the base against itself.
func (a *analysis) ratios(g group) *report.Table {
	t := &report.Table{
		Caption: fmt.Sprintf("%s as a multiple of %s's, with its 95%% confidence interval; ~ where no difference is shown", g.judged(), a.Base),
		Columns: []report.Column{{Name: "payload"}},
	}
	for _, engine := range a.Engines {
		t.Columns = append(t.Columns, report.Column{Name: engine})
	}
	t.Columns = append(t.Columns, report.Column{Name: "A/A: " + a.Base + " again"}, report.Column{Name: "noise floor"})
	for i, values := range a.ratioGroups(g) {
		f := g.families[i]
		row := []report.Cell{report.Text(values.Label)}
		for j, v := range values.Values {
			o, text := f.compare(a.Engines[j], a.Base), report.Digits(v.V)
			if o.Rounds > 0 {
				text = intervalText(o.Ratio)
				if o.verdict == stats.Undecided {
					text += " ~"
				}
			}
			row = append(row, report.Shown(v.V, text))
		}
		t.Rows = append(t.Rows, append(row, report.Shown(f.same.Ratio.Value, intervalText(f.same.Ratio)), report.Shown(f.floor, floorText(f.floor))))
	}
	return t
}

// ratioGroups is what the table of ratios and its chart both show.
func (a *analysis) ratioGroups(g group) (groups []report.Group) {
	for _, f := range g.families {
		row := report.Group{Label: f.payload}
		for _, engine := range a.Engines {
			v := report.Missing()
			if o := f.compare(engine, a.Base); engine == a.Base {
				v = report.Exactly(1)
			} else if o.Rounds > 0 {
				v = report.Value{V: o.Ratio.Value, Low: o.Ratio.Low, High: o.Ratio.High}
			}
			row.Values = append(row.Values, v)
		}
		groups = append(groups, row)
	}
	return groups
}

// judged is what the group's verdicts rest on.
func (g group) judged() string {
	if g.level == benchmarks.LevelService {
		return "CPU per metric"
	}
	return "CPU time"
}

// winners is the table of verdicts: payload by level.
func (a *analysis) winners() *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "payload"}}}
	for _, g := range a.groups {
		t.Columns = append(t.Columns, report.Column{Name: g.short()})
	}
	for _, payload := range a.Payloads {
		row := []report.Cell{report.Text(payload.Name)}
		for _, g := range a.groups {
			cell := report.Text("")
			for _, f := range g.families {
				if f.payload == payload.Name {
					cell = report.Text(f.winner())
				}
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (g group) short() string {
	if g.guard == benchmarks.GuardNone {
		return g.level + ", bare"
	}
	return g.level
}

// winner is the verdict of one family in a few words.
func (f *family) winner() string {
	lead := f.leaders()
	switch {
	case len(lead) > 1:
		return "~ " + list(lead)
	case len(f.engines) == 1:
		return lead[0]
	}
	next := f.next(lead[0])
	o := f.compare(lead[0], next)
	if f.level == benchmarks.LevelService {
		return fmt.Sprintf("%s −%.0f%% CPU to %s", lead[0], 100*(1-o.Ratio.Value), next)
	}
	return fmt.Sprintf("%s %s %s", lead[0], timesText(1/o.Ratio.Value), next)
}

// contractTable is what the contract costs each engine.
func (a *analysis) contractTable() *report.Table {
	t := &report.Table{Caption: "CPU time under the contract as a multiple of the bare library's", Columns: []report.Column{
		{Name: "engine"}, {Name: "geometric mean"}, {Name: "least"}, {Name: "on"}, {Name: "most"}, {Name: "on"}, {Name: "it lacks"}}}
	for _, p := range a.prices {
		mean, least, most := p.summary()
		t.Rows = append(t.Rows, []report.Cell{report.Text(p.engine), report.Shown(mean, timesText(mean)),
			report.Text(intervalText(p.ratios[least].Ratio)), report.Text(p.payloads[least]),
			report.Text(intervalText(p.ratios[most].Ratio)), report.Text(p.payloads[most]), report.Text(lacks[p.engine])})
	}
	return t
}

// bareTable counts what the bare libraries did wrong, beside how fast they did it.
func (a *analysis) bareTable() *report.Table {
	t := &report.Table{Caption: "What the bare libraries did with the payloads", Columns: []report.Column{
		{Name: "engine"}, {Name: "payload"}, {Name: "CPU time bare", Unit: "ns/body"}, {Name: "CPU time under the contract", Unit: "ns/body"},
		{Name: "metrics altered"}, {Name: "bad bodies taken"}, {Name: "good bodies refused"}, {Name: "bodies"}, {Name: "metrics"}}}
	for _, b := range a.Bare {
		p := a.payload(b.Payload)
		row := []report.Cell{report.Text(b.Engine), report.Text(b.Payload)}
		for _, guard := range []string{benchmarks.GuardNone, benchmarks.GuardContract} {
			e, ok := a.samples.median(cell{level: benchmarks.LevelDecode, guard: guard, payload: b.Payload}, b.Engine, unitTime)
			if !ok {
				row = append(row, report.Text(""))
				continue
			}
			row = append(row, report.Number(e.Value*1e9))
		}
		t.Rows = append(t.Rows, append(row, report.Count(b.Altered), report.Count(b.Taken), report.Count(b.Refused), report.Count(p.Bodies), report.Count(p.Metrics)))
	}
	return t
}

func (i *Info) payloadTable() *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "payload"}, {Name: "what it is"}, {Name: "bodies"}, {Name: "metrics"}, {Name: "bytes"}}}
	for _, p := range i.Payloads {
		t.Rows = append(t.Rows, []report.Cell{report.Text(p.Name), report.Text(p.Description), report.Count(p.Bodies), report.Count(p.Metrics), report.Count(p.Bytes)})
	}
	return t
}

// table is the environment.
func (i *Info) table() *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "what"}, {Name: "value"}}}
	for _, line := range i.lines() {
		t.Rows = append(t.Rows, []report.Cell{report.Text(line[0]), report.Text(line[1])})
	}
	return t
}
