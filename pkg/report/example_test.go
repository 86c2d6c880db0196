package report

import (
	"math"
	"math/rand/v2"
)

// examplePage is a page as the lab makes them: seven engines, thirteen payloads, every kind of block.
func examplePage() *Page {
	engines := []string{"custom", "naive", "fastjson", "sonic", "go-json", "std", "json-v2"}
	payloads := []string{"one metric", "one full metric", "batch of 10", "batch of 100", "batch of 1,000", "rotating",
		"tag-heavy", "escape-heavy", "indented", "shuffled members", "unknown members", "numbers of every form", "1 MiB"}
	speed := []float64{210, 2100, 640, 380, 930, 2600, 1900}
	r := rand.New(rand.NewPCG(1, 1))
	value := func(v float64) Value {
		v *= math.Exp(0.3 * r.NormFloat64())
		return Value{V: v, Low: v * (1 - 0.02 - 0.1*r.Float64()), High: v * (1.02 + 0.1*r.Float64())}
	}

	table := &Table{Caption: "Decode time, contract kept", Columns: []Column{{Name: "payload"}}}
	for _, e := range engines {
		table.Columns = append(table.Columns, Column{Name: e, Unit: "ns/metric"})
	}
	dots := &Bars{Title: "Decode time by payload", Description: "One dot for each engine, one group for each payload; less is better.",
		Axis: Axis{Label: "decode time", Unit: "ns/metric", Log: true}, Series: engines}
	for _, p := range payloads {
		row, group := []Cell{Text(p)}, Group{Label: p}
		for i := range engines {
			v := value(speed[i])
			if p == "1 MiB" && engines[i] == "naive" {
				v = Missing()
			}
			row = append(row, Number(v.V))
			group.Values = append(group.Values, v)
		}
		table.Rows = append(table.Rows, row)
		dots.Groups = append(dots.Groups, group)
	}
	table.MarkBest(Lower)

	bars := &Bars{Title: "CPU per metric at the service level", Description: "The custom engine takes the least CPU in both groups.",
		Axis: Axis{Label: "CPU time", Unit: "ns/metric"}, Series: engines}
	for _, p := range []string{"one metric", "batch of 100"} {
		group := Group{Label: p}
		for i := range engines {
			group.Values = append(group.Values, value(900+speed[i]))
		}
		bars.Groups = append(bars.Groups, group)
	}

	percentiles := &Percentiles{Title: "Latency at 20,000 requests/s", Description: "All engines are alike at the median and part in the tail.",
		Y: Axis{Label: "latency", Unit: "s", Log: true}}
	for i, e := range engines {
		d := Distribution{Name: e}
		for j, p := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
			d.Quantiles = append(d.Quantiles, Quantile{p, Exactly(60e-6 * math.Exp(1.1*float64(j)+speed[i]/3000*float64(j)))})
		}
		percentiles.Series = append(percentiles.Series, d)
	}

	lines := &Lines{Title: "Latency over offered rate", Description: "Latency rises steeply near 80,000 requests/s.",
		X: Axis{Label: "offered rate", Unit: "req/s"}, Y: Axis{Label: "p99 latency", Unit: "ms"},
		Marks: []Mark{{40_000, "rate limit"}, {46_000, "queue half full"}, {90_000, "first 503, by queue full"}}}
	for i, name := range []string{"ack=memory", "ack=written", "ack=synced"} {
		line := Line{Name: name}
		for rate := 10e3; rate <= 100e3; rate += 10e3 {
			y := (1 + float64(i)) * 0.4 / (1.05 - rate/100e3)
			v := Value{y, y * 0.9, y * 1.15}
			if i == 2 && rate == 60e3 {
				v = Missing()
			}
			line.Points = append(line.Points, Point{rate, v})
		}
		lines.Series = append(lines.Series, line)
	}

	return &Page{Title: "Which JSON engine?", Subtitle: "An example with invented numbers · 2 cores · noise floor ±6%",
		Sections: []Section{
			{"Verdict", []Block{
				Verdict("custom decodes rotating bodies 4.1× as fast as sonic (p < 0.001, noise floor ±6%)."),
				Verdict("At the service level it takes 38% less CPU per metric."),
				Paragraph("Ten rounds, engines alternating within each round. A difference counts when it is significant after Holm's adjustment and lies beyond the noise floor.")}},
			{"Decode", []Block{table, dots}},
			{"Service", []Block{bars, percentiles, lines}},
			{"Environment", []Block{&Table{Columns: []Column{{Name: "what"}, {Name: "value"}}, Rows: [][]Cell{
				{Text("CPU"), Text("an example at 2.1 GHz")}, {Text("Go"), Text("go1.26, GOAMD64=v3")}, {Text("GOMAXPROCS"), Count(2)}}}}},
		}}
}
