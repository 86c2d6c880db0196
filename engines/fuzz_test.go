package engines_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/engines/enginetest"
)

// FuzzEngines holds that all engines say the same of any body.
func FuzzEngines(f *testing.F) {
	n := 0
	seed := func(step int) func(c *enginetest.Case) bool {
		return func(c *enginetest.Case) bool {
			if n++; n%step == 0 && len(c.Body) < 2000 {
				f.Add(append([]byte(nil), c.Body...))
			}
			return true
		}
	}
	// A spread of the tables: thousands of seeds would make every start slow.
	enginetest.Tables(seed(29))
	enginetest.Placements(seed(199))
	g := enginetest.NewGenerator(1)
	for range 50 {
		f.Add(append([]byte(nil), g.Next()...))
	}
	all := witnesses(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		agree(t, all, body)
	})
}

// TestGeneratedBodies compares all engines with each other, and with what the generator knows of its bodies.
// METRICSTREAM_TEST_BODIES and METRICSTREAM_TEST_SEED make the run longer and another.
func TestGeneratedBodies(t *testing.T) {
	bodies, seed := fromEnvironment(t, "METRICSTREAM_TEST_BODIES", enginetest.Scale(20_000)), fromEnvironment(t, "METRICSTREAM_TEST_SEED", 1)
	all := witnesses(t)
	g := enginetest.NewGenerator(seed)
	var count [enginetest.Kinds]uint64
	for range bodies {
		body := g.Next()
		kind := g.Kind()
		count[kind]++
		out := agree(t, all, body)
		if want := kind.Want(); want != enginetest.Broken {
			require.Equalf(t, want, out.Verdict, "a %v body of seed %d: %q", kind, seed, body)
		}
	}
	for kind, n := range count {
		t.Logf("%d %v bodies", n, enginetest.Kind(kind))
	}
}

func fromEnvironment(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}
