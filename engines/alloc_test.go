//go:build !race

package engines

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// TestAllocations pins what one Decode allocates in steady state under the contract, for the README's request and for
// bodyOf(100): three tags a metric. The race detector changes the counts, hence the build tag.
func TestAllocations(t *testing.T) {
	sonicOne, sonicBatch := 0.0, 0.0
	if runtime.GOARCH != "amd64" { // the library's other decoder copies each timestamp
		sonicOne, sonicBatch = 2, 101
	}
	for _, c := range []struct {
		engine        string
		one, batch100 float64 // upper bounds
		because       string
	}{
		{"custom", 0, 0, "strings borrow the body"},
		{"fastjson", 0, 0, "strings borrow the parser's copy of the body, which is reused"},
		{"sonic", sonicOne, sonicBatch, "strings borrow the body"},
		{"go-json", 0, 0, "strings borrow the body"},
		{"std", 13, 1207, "each string is copied, and a tag's key twice"},
		{"json-v2", 2, 600, "a tag's key and value are copied; names, types and the like come from the library's cache of short strings"},
	} {
		t.Run(c.engine, func(t *testing.T) {
			e, err := Lookup(c.engine)
			require.NoError(t, err)
			dec, dst := e.New(), new(metric.Batch)
			for _, load := range []struct {
				name  string
				body  []byte
				bound float64
			}{{"one", []byte(bodyOne), c.one}, {"batch100", bodyOf(100), c.batch100}} {
				require.NoError(t, dec.Decode(dst, load.body))
				got := testing.AllocsPerRun(100, func() {
					if err := dec.Decode(dst, load.body); err != nil {
						t.Error(err)
					}
				})
				assert.LessOrEqual(t, got, load.bound, "body %s: %s", load.name, c.because)
			}
		})
	}
}
