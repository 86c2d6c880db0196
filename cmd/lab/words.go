package main

import (
	"fmt"
	"math"
	"strings"

	"metricstream/pkg/stats"
)

// lacks says what of the contract each library lacks as it comes, and so what is checked around it.
// engines/quirks_test.go pins every one of these by a body.
var lacks = map[string]string{
	"custom":   "nothing: it was written for the contract",
	"naive":    "nothing: it was written for the contract",
	"fastjson": "grammar (leading zeros, NaN, escapes, control characters), UTF-8, repeated names, depth; floats are up to an ulp off",
	"sonic":    "grammar in what it skips, control characters, UTF-8 and surrogates, repeated names, exact case of names, depth",
	"go-json":  "UTF-8 and surrogates, repeated names, exact case of names, depth",
	"std":      "UTF-8 and surrogates, repeated names, exact case of names, depth",
	"json-v2":  "depth; it is stricter than the contract on names in ignored values",
}

// timesText is a ratio as a multiple.
func timesText(ratio float64) string {
	switch {
	case ratio >= 9.95:
		return fmt.Sprintf("%.0f×", ratio)
	case ratio >= 1.995:
		return fmt.Sprintf("%.1f×", ratio)
	}
	return fmt.Sprintf("%.2f×", ratio)
}

// intervalText is a multiple with its confidence interval, a digit more precise, for tables.
func intervalText(e stats.Estimate) string {
	digits := func(v float64) string {
		switch {
		case v >= 99.95:
			return fmt.Sprintf("%.0f", v)
		case v >= 9.995:
			return fmt.Sprintf("%.1f", v)
		}
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%s× (%s–%s)", digits(e.Value), digits(e.Low), digits(e.High))
}

// pText is an adjusted p-value.
func pText(p float64) string {
	if p < 0.001 {
		return "p<0.001"
	}
	return fmt.Sprintf("p=%.2g", p)
}

// floorText is a noise floor in per cent, rounded up.
func floorText(floor float64) string {
	percent := max(0, (floor-1)*100-1e-6)
	if percent < 9.95 {
		return fmt.Sprintf("±%.1f%%", math.Ceil(percent*10)/10)
	}
	return fmt.Sprintf("±%.0f%%", math.Ceil(percent))
}

// lessText says by how many per cent a cost at that ratio to another is the smaller one.
func lessText(ratio stats.Estimate) string {
	return fmt.Sprintf("%.0f%% less (95%% CI %.0f–%.0f%%)", 100*(1-ratio.Value), 100*(1-ratio.High), 100*(1-ratio.Low))
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// certainty is what stands behind a claim.
func (f *family) certainty(o outcome) string {
	return fmt.Sprintf("(%s, noise floor %s)", pText(o.adjusted), floorText(f.floor))
}

// cost says by how much less CPU a takes than b, a costlier one.
func (f *family) cost(a, b string) string {
	o := f.compare(a, b)
	return fmt.Sprintf("%s than %s %s", lessText(o.Ratio), b, f.certainty(o))
}

// speed says how fast a is compared with b: "custom 4.1× sonic on rotating (p<0.001, noise floor ±6%)".
func (f *family) speed(a, b string) string {
	o := f.compare(a, b)
	return fmt.Sprintf("%s %s %s on %s %s", a, timesText(1/o.Ratio.Value), b, f.payload, f.certainty(o))
}
