// Package engines makes one metric.Decoder of each JSON library: the table that --json-engine chooses from.
// Whatever the library, the contract is the same: what a library does not check is checked around it,
// and what it refuses is decided and described by one shared slow path (see contract).
package engines

import (
	"fmt"
	"strings"

	"metricstream/engines/custom"
	"metricstream/engines/naive"
	"metricstream/pkg/metric"
)

// Engine is one way to decode a request.
type Engine struct {
	Name  string                // a value of --json-engine
	New   func() metric.Decoder // under the full contract
	Bare  func() metric.Decoder // the library as it comes: for measurements, and only for bodies known to be good
	Check func() error          // why this engine would not run its own code in this build; prepares it if it would
}

// All returns the engines, the project's own first.
func All() []Engine {
	return []Engine{
		{"custom", newCustom, newCustom, anyBuild},
		{
			"naive",
			func() metric.Decoder { return &contract{name: "naive", library: naive.New()} },
			func() metric.Decoder { return naive.New() },
			anyBuild,
		},
		{
			"fastjson",
			func() metric.Decoder {
				return &contract{name: "fastjson", library: &fastJSON{exactFloats: true}, guard: new(grammar)}
			},
			func() metric.Decoder { return &fastJSON{} },
			anyBuild,
		},
		{
			"sonic",
			func() metric.Decoder {
				return &contract{name: "sonic", library: sonicInRange{newSonic(sonicGuarded)}, guard: new(grammar)}
			},
			func() metric.Decoder { return newSonic(sonicFastest) },
			checkSonic,
		},
		{
			"go-json",
			func() metric.Decoder {
				return &contract{name: "go-json", library: newGoJSON(), guard: new(grammarAndCase)}
			},
			func() metric.Decoder { return newGoJSON() },
			anyBuild,
		},
		{
			"std",
			func() metric.Decoder {
				return &contract{name: "std", library: newStdJSON(), guard: new(grammarAndCase)}
			},
			func() metric.Decoder { return newStdJSON() },
			anyBuild,
		},
		{
			"json-v2",
			func() metric.Decoder {
				return &contract{name: "json-v2", library: &jsonV2{ignoredRepeats: true}, guard: depth{}}
			},
			func() metric.Decoder { return &jsonV2{} },
			anyBuild,
		},
	}
}

// Lookup returns the engine of that name, or an error that lists the names there are.
func Lookup(name string) (Engine, error) {
	var names []string
	for _, e := range All() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Engine{}, fmt.Errorf("no JSON engine %q; there are %s", name, strings.Join(names, ", "))
}

func newCustom() metric.Decoder { return custom.New() }

// anyBuild is the Check of an engine that runs its own code wherever Go does.
func anyBuild() error { return nil }
