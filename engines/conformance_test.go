package engines_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/engines"
	"metricstream/engines/enginetest"
)

// maxAlloc is what an engine may allocate for one body of a mebibyte where it is more than usual: naive builds a tree
// of maps of every body, and fastjson keeps 40 bytes and more for each value, ignored ones too.
var maxAlloc = map[string]uint64{"naive": 256 << 20, "fastjson": 256 << 20}

const usualMaxAlloc = 128 << 20

func TestConformance(t *testing.T) {
	for _, e := range engines.All() {
		t.Run(e.Name, func(t *testing.T) {
			if err := e.Check(); err != nil {
				t.Skip(err)
			}
			limit := maxAlloc[e.Name]
			if limit == 0 {
				limit = usualMaxAlloc
			}
			enginetest.Run(t, e.New, limit)
		})
	}
}

// witness is one engine in a differential test.
type witness struct {
	name string
	*enginetest.Observer
}

// witnesses returns all engines that run here, the project's own first.
func witnesses(t testing.TB) []witness {
	var all []witness
	for _, e := range engines.All() {
		if err := e.Check(); err != nil {
			t.Logf("without %s: %v", e.Name, err)
			continue
		}
		all = append(all, witness{e.Name, enginetest.NewObserver(e.New())})
	}
	require.GreaterOrEqual(t, len(all), 2)
	return all
}

// agree returns the outcome of body under all witnesses, and fails when they differ.
func agree(t testing.TB, all []witness, body []byte) *enginetest.Outcome {
	var first *enginetest.Outcome
	for i, w := range all {
		out := w.Observe(body)
		if out.Complain != "" {
			t.Fatalf("%s: %s\nbody: %q", w.name, out.Complain, body)
		}
		if i == 0 {
			first = out
		} else if diff := enginetest.Diff(first, out); diff != "" {
			t.Fatalf("%s and %s differ: %s\nbody: %q", all[0].name, w.name, diff, body)
		}
	}
	return first
}

// TestAgreement holds what the tables do not state literally: that all engines list errors in the same words.
func TestAgreement(t *testing.T) {
	all := witnesses(t)
	for c := range enginetest.Tables {
		agree(t, all, c.Body)
	}
	n := 0
	for c := range enginetest.Placements {
		if n++; n%7 == 0 {
			agree(t, all, c.Body)
		}
	}
}
