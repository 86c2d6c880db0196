package engines

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bytedance/sonic"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

func TestTable(t *testing.T) {
	var names []string
	for _, e := range All() {
		names = append(names, e.Name)
		assert.NoError(t, e.Check(), "%s does not run its own code in the build under test", e.Name)

		found, err := Lookup(e.Name)
		require.NoError(t, err)
		assert.Equal(t, e.Name, found.Name)
	}
	assert.Equal(t, []string{"custom", "naive", "fastjson", "sonic", "go-json", "std", "json-v2"}, names)
}

func TestLookupListsTheNames(t *testing.T) {
	_, err := Lookup("nosuch")
	require.EqualError(t, err, `no JSON engine "nosuch"; there are custom, naive, fastjson, sonic, go-json, std, json-v2`)
}

func TestCheckRefusesTheFallbackOfSonic(t *testing.T) {
	err := checkSonicKind(sonic.UseStdJSON)
	require.ErrorContains(t, err, "would silently use encoding/json")
	require.ErrorContains(t, err, runtime.GOARCH, "the line must say which build it is about")
}

// TestSonicsOtherDecoder runs the tests of sonic with the decoder that it has for arm64, which it reads from the
// environment when the process starts.
func TestSonicsOtherDecoder(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^(TestEnginesAgree|TestNoGhosts)$/^sonic$")
	cmd.Env = append(os.Environ(), "SONIC_USE_OPTDEC=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestEnginesAgree/sonic", "the child process ran something else")
}

func TestMaskOverflows(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1e308,"b":-1e308,"c":1e-999,"d":0}`: ``,
		`{"a":"1e999","b":"\\\"1e999"}`:           ``,
		`[1e999,-1E+0999,1,99e999]`:               `[[]   ,[]      ,1,[]    ]`,
		`1e999`:                                   `[]   `,
		`{"1e999":1e999}`:                         `{"1e999":[]   }`,
	} {
		require.Equal(t, want, string(maskOverflows([]byte(body))), body)
	}
}

// TestDecodersShareNothing lets many decoders of each engine run at once, as requests do; the race detector watches.
func TestDecodersShareNothing(t *testing.T) {
	for _, e := range All() {
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				dec, dst := e.New(), new(metric.Batch)
				for i := range 25 {
					name := fmt.Sprintf("w%d_%d", worker, i)
					body := strings.ReplaceAll(bodyOne, "cpu_usage", name)
					if assert.NoError(t, dec.Decode(dst, []byte(body)), e.Name) {
						assert.Equal(t, name, dst.Metrics[0].Name, e.Name)
					}
					assert.Error(t, dec.Decode(dst, []byte(body+"}")), e.Name)
				}
			})
		}
		group.Wait()
	}
}

// TestBareHasNoSlowPath: what a bare library refuses is not decided again, or the lab would time our decoder too.
func TestBareHasNoSlowPath(t *testing.T) {
	for _, e := range All()[2:] {
		for _, body := range []string{`{"metrics":[{}]}`, `{"metrics":[{}`} {
			err := e.Bare().Decode(new(metric.Batch), []byte(body))
			require.Error(t, err, e.Name)
			require.NotEmpty(t, err.Error(), e.Name)
			for _, class := range []error{metric.ErrSyntax, metric.ErrLimit, metric.ErrSchema, ErrDiverged} {
				require.NotErrorIs(t, err, class, e.Name)
			}
		}
	}
}
