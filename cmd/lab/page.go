package main

import (
	"fmt"
	"strings"

	"metricstream/benchmarks"
	"metricstream/pkg/report"
)

// page is the report of one folder.
func (a *analysis) page() *report.Page {
	p := &report.Page{Title: a.Title, Subtitle: a.subtitle()}
	add := func(heading string, blocks ...report.Block) {
		p.Sections = append(p.Sections, report.Section{Heading: heading, Blocks: blocks})
	}
	var opening []report.Block
	for _, sentence := range a.verdicts() {
		opening = append(opening, report.Verdict(sentence))
	}
	if a.Mode != "quick" {
		opening = append(opening, a.winners())
	}
	add("Verdict", opening...)
	for _, g := range a.groups {
		add(g.title(), a.blocks(g)...)
	}
	if a.prices != nil {
		blocks := []report.Block{a.contractTable(), a.contractChart()}
		if a.Mode != "quick" {
			for _, sentence := range a.costsOfContract() {
				blocks = append(blocks, report.Paragraph(sentence))
			}
		}
		add("What the contract costs", blocks...)
	}
	if len(a.Bare) > 0 {
		add("What the bare libraries get wrong", a.bareTable())
	}
	method := a.method()
	blocks := make([]report.Block, len(method))
	for i, paragraph := range method {
		blocks[i] = report.Paragraph(paragraph)
	}
	add("How it was measured", append(blocks, a.payloadTable())...)
	add("Environment", a.table())
	return p
}

func (a *analysis) subtitle() string {
	words := []string{a.Date.Format("2006-01-02"), a.Machine.CPU, fmt.Sprintf("%d cores", a.Machine.Cores), a.Machine.Go}
	for _, level := range []string{benchmarks.LevelDecode, benchmarks.LevelHandler, benchmarks.LevelService} {
		if floor, ok := a.floors()[level]; ok && a.Mode != "quick" {
			words = append(words, "noise floor of "+level+" at most "+floorText(floor))
		}
	}
	return strings.Join(words, " · ")
}

// blocks are the tables and charts of one group.
func (a *analysis) blocks(g group) (blocks []report.Block) {
	if a.Mode != "quick" {
		blocks = append(blocks, a.ratios(g), a.ratioChart(g))
	}
	for _, m := range g.measures() {
		if !a.measured(g, m) {
			continue
		}
		blocks = append(blocks, a.medians(g, m))
		if m.axis != "" {
			blocks = append(blocks, a.chart(g, m))
		}
	}
	if g.level == benchmarks.LevelService {
		for _, f := range g.families {
			if chart := a.latencies(f); chart != nil {
				blocks = append(blocks, chart)
			}
		}
	}
	return blocks
}

// ratioChart draws how the engines stand to the base.
func (a *analysis) ratioChart(g group) *report.Bars {
	return &report.Bars{
		Title:       fmt.Sprintf("%s: %s as a multiple of %s's", g.title(), g.judged(), a.Base),
		Description: "Estimates from the ratios within each round; whiskers are their 95% confidence intervals; less is better.",
		Axis:        report.Axis{Label: "multiple", Unit: "×", Log: true}, Series: a.Engines, Groups: a.ratioGroups(g),
	}
}

// chart draws a measure with its confidence intervals. The times of the payloads span decades, the service's do not.
func (a *analysis) chart(g group, m measure) *report.Bars {
	return &report.Bars{
		Title:       g.title() + ": " + m.caption,
		Description: "Medians over the rounds; whiskers are 95% confidence intervals of the median, which hold the machine's drift: engines are compared within the rounds, above.",
		Axis:        report.Axis{Label: m.axis, Unit: m.unit, Log: g.level != benchmarks.LevelService},
		Series:      a.Engines, Groups: a.groupsOf(g, m),
	}
}

// latencies draws the open loop's percentiles on one payload; nil when there are none.
func (a *analysis) latencies(f *family) *report.Percentiles {
	chart := &report.Percentiles{
		Title:       "Latency by engine, " + f.payload,
		Description: fmt.Sprintf("Open loop at %.0f requests/s, the same arrivals for every engine, from the intended send time; medians over the rounds with 95%% confidence intervals.", a.OpenRates[f.payload]),
		Y:           report.Axis{Label: "latency", Unit: "s", Log: true},
	}
	open := f.cell
	open.load = "open"
	for _, engine := range f.engines {
		d := report.Distribution{Name: engine}
		for _, q := range []struct {
			p    float64
			unit string
		}{{0.5, "p50-sec"}, {0.99, "p99-sec"}, {0.999, "p99.9-sec"}} {
			if e, ok := a.samples.median(open, engine, q.unit); ok {
				d.Quantiles = append(d.Quantiles, report.Quantile{P: q.p, Y: report.Value{V: e.Value, Low: e.Low, High: e.High}})
			}
		}
		if d.Quantiles != nil {
			chart.Series = append(chart.Series, d)
		}
	}
	if chart.Series == nil {
		return nil
	}
	return chart
}

func (a *analysis) contractChart() *report.Bars {
	chart := &report.Bars{
		Title:       "CPU time under the contract as a multiple of the bare library's",
		Description: "Geometric means over the payloads.",
		Axis:        report.Axis{Label: "multiple", Unit: "×"}, Series: []string{"contract / none"},
	}
	for _, p := range a.prices {
		mean, _, _ := p.summary()
		chart.Groups = append(chart.Groups, report.Group{Label: p.engine, Values: []report.Value{report.Exactly(mean)}})
	}
	return chart
}

// method says how it was measured, and by what rule it was judged.
func (a *analysis) method() []string {
	return []string{
		fmt.Sprintf("First every engine decoded every payload under the contract and was compared with %s, metric by metric and bit by bit; a difference would have ended the run.", benchmarks.Oracle),
		fmt.Sprintf("Then %d rounds. In each round every operation ran for about %s, with the same number of bodies every time; the engines of one payload and level directly after each other, each round in another order. What runs is built afresh for every slice, after a collection, so that no lucky layout of memory stays with an engine. The base, %s, ran twice in each round: what it differs from itself is the noise.", a.Rounds, a.Slice, a.Base),
		fmt.Sprintf("Decoding is the decoder alone. The handler is the production handler over prepared requests, with a sink and a limiter that cost nothing, and without the reading of HTTP. The service is the built program as a process of its own over loopback TCP with %d connections, --ack=memory and --rate-limit=0, %d rounds: %s. The open loop's rate is the same for all engines, %.0f%% of what the slowest one managed in the closed loop; the generator shares the machine with the server. Collections are counted from the runtime's trace; allocations of the service include those of connecting.", a.Connections, a.ServiceRounds, a.ServiceSlice, 100*openShare),
		"Verdicts rest on the ratio of two engines within each round, which the drift of the machine leaves alone: Wilcoxon's signed-rank test over the logarithms, the Hodges–Lehmann estimate with its interval, and Holm's adjustment for all pairs of engines at one level and payload. A difference counts when its adjusted p is below 0.05 and its whole 95% interval lies beyond the noise floor, the far end of the base's interval against its own twin on the same payload. What is judged is CPU time at every level, at the service level the server's for a metric in the closed loop: what else the machine does meanwhile does not count against an engine, and what the collector does on other cores does. Everything else is shown and not judged. The floor is that of the base: it knows the noise of the machine, not that of a more allocating engine. benchstat's own tables test unpaired medians, and so see less.",
	}
}
