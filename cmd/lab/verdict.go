package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"metricstream/benchmarks"
	"metricstream/pkg/stats"
)

// verdicts are the sentences that answer the question, the most important first.
func (a *analysis) verdicts() (sentences []string) {
	if a.Mode == "quick" {
		return []string{"A quick look, without a verdict: the rounds are too few to tell a difference from noise."}
	}
	for _, g := range a.groups {
		if g.level == benchmarks.LevelService {
			sentences = append(sentences, g.costs()...)
		} else {
			sentences = append(sentences, g.speeds()...)
		}
	}
	return append(sentences, a.losses())
}

// speeds says which engine is fastest, on how many payloads, and by how much.
func (g group) speeds() (sentences []string) {
	led := map[string][]*family{} // by the engine that alone leads
	var order, tied []string
	for _, f := range g.families {
		lead := f.leaders()
		if len(lead) > 1 {
			tied = append(tied, f.payload+" ("+list(lead)+")")
			continue
		}
		if led[lead[0]] == nil {
			order = append(order, lead[0])
		}
		led[lead[0]] = append(led[lead[0]], f)
	}
	slices.SortStableFunc(order, func(x, y string) int { return len(led[y]) - len(led[x]) })
	for _, engine := range order {
		families := led[engine]
		if len(families[0].engines) == 1 {
			return []string{fmt.Sprintf("%s: only %s was measured.", g.title(), engine)}
		}
		margin := func(f *family) float64 { return f.compare(engine, f.next(engine)).Ratio.Value }
		widest := slices.MinFunc(families, func(x, y *family) int { return cmp.Compare(margin(x), margin(y)) })
		closest := slices.MaxFunc(families, func(x, y *family) int { return cmp.Compare(margin(x), margin(y)) })
		sentence := fmt.Sprintf("%s: %s is the fastest of %d engines on %d of %d payloads, ", g.title(), engine, len(families[0].engines), len(families), len(g.families))
		if closest != widest {
			sentence += "over the next best from " + closest.speed(engine, closest.next(engine)) + " to "
		}
		sentence += widest.speed(engine, widest.next(engine))
		sentences = append(sentences, sentence+".")
	}
	if tied != nil {
		sentences = append(sentences, fmt.Sprintf("%s: no single fastest engine was shown on %s.", g.title(), list(tied)))
	}
	return sentences
}

// costs says for each payload of the service level which engine takes the least CPU.
func (g group) costs() (sentences []string) {
	for _, f := range g.families {
		lead := f.leaders()
		about := fmt.Sprintf("%s, %s: ", g.title(), f.payload)
		switch {
		case len(f.engines) == 1:
			about += "only " + lead[0] + " was measured."
		case len(lead) > 1:
			about += fmt.Sprintf("no single cheapest engine was shown among %s (noise floor %s).", list(lead), floorText(f.floor))
		default:
			next := f.next(lead[0])
			about += fmt.Sprintf("%s takes the least CPU per metric, %s, the next best", lead[0], f.cost(lead[0], next))
			worst := slices.MaxFunc(f.engines, func(x, y string) int { return cmp.Compare(f.median[x].Value, f.median[y].Value) })
			if worst != next {
				about += ", and " + f.cost(lead[0], worst) + ", the most expensive"
			}
			about += "."
		}
		sentences = append(sentences, about)
	}
	return sentences
}

// losses lists every place where the base is beaten.
func (a *analysis) losses() string {
	var lost []string
	for _, g := range a.groups {
		for _, f := range g.families {
			for _, e := range f.engines {
				if e == a.Base || f.compare(e, a.Base).verdict != stats.Lower {
					continue
				}
				how := f.speed(e, a.Base)
				if g.level == benchmarks.LevelService {
					how = fmt.Sprintf("%s takes %s on %s", e, f.cost(e, a.Base), f.payload)
				}
				lost = append(lost, g.short()+": "+how)
			}
		}
	}
	if lost == nil {
		return fmt.Sprintf("Losses of %s: none; no engine was shown to beat it at any level on any payload.", a.Base)
	}
	return fmt.Sprintf("Losses of %s: %s.", a.Base, strings.Join(lost, "; "))
}

// costsOfContract are sentences about what each library lacks and what that costs.
func (a *analysis) costsOfContract() (sentences []string) {
	for _, p := range a.prices {
		mean, least, most := p.summary()
		sentence := fmt.Sprintf("%s takes %s the CPU time under the contract that it takes bare (geometric mean; %s on %s to %s on %s).",
			p.engine, timesText(mean), timesText(p.ratios[least].Ratio.Value), p.payloads[least], timesText(p.ratios[most].Ratio.Value), p.payloads[most])
		if lacks[p.engine] != "" {
			sentence += " It lacks " + lacks[p.engine] + "."
		}
		sentences = append(sentences, sentence)
	}
	return sentences
}

// summary returns the geometric mean of the ratios and the indices of the least and the largest.
func (p price) summary() (mean float64, least, most int) {
	logs := 0.0
	for i, r := range p.ratios {
		logs += math.Log(r.Ratio.Value)
		if r.Ratio.Value < p.ratios[least].Ratio.Value {
			least = i
		}
		if r.Ratio.Value > p.ratios[most].Ratio.Value {
			most = i
		}
	}
	return math.Exp(logs / float64(len(p.ratios))), least, most
}
