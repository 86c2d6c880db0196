package benchmarks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// What the payloads say of themselves is what the oracle says of them.
func TestPayloadsAreWhatTheySay(t *testing.T) {
	names := map[string]bool{}
	for _, p := range Payloads() {
		assert.False(t, names[p.Name], "%s twice", p.Name)
		names[p.Name] = true
		assert.NotEmpty(t, p.Description, p.Name)
		counted := p
		counted.count()
		assert.Equal(t, p.Accepted, counted.Accepted, "accepted bodies of %s", p.Name)
		assert.Equal(t, p.Metrics, counted.Metrics, "metrics of %s", p.Name)
		if p.Name == "rejected" {
			assert.Zero(t, p.Accepted)
		} else {
			assert.Equal(t, len(p.Bodies), p.Accepted, p.Name)
		}
	}
	for _, name := range []string{"one", "full", "batch10", "batch100", "batch1000", "rotating", "tags", "escapes", "indented",
		"shuffled", "unknown", "numbers", "large", "rejected"} {
		assert.True(t, names[name], "payload %s", name)
	}
}

func payload(t *testing.T, name string) Payload {
	t.Helper()
	for _, p := range Payloads() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no payload %s", name)
	return Payload{}
}

func TestPayloadsAreTheSameEveryTime(t *testing.T) {
	assert.Equal(t, Payloads(), Payloads())
	assert.Len(t, payload(t, "rotating").Bodies, 256)
	distinct := map[string]bool{}
	for _, b := range payload(t, "rotating").Bodies {
		distinct[string(b)] = true
	}
	assert.Len(t, distinct, 256)
	large := payload(t, "large")
	assert.LessOrEqual(t, large.Bytes(), 1<<20)
	assert.Greater(t, large.Bytes(), 1<<20-1000, "as many metrics as fit")
	assert.LessOrEqual(t, large.Metrics, metric.MaxMetrics)
	numbers := string(payload(t, "numbers").Bodies[0])
	for _, form := range []string{`"value":-`, "E+", "e-", ".", `"value":0`} {
		assert.Contains(t, numbers, form)
	}
	assert.Contains(t, string(payload(t, "indented").Bodies[0]), "\n  ")
	assert.Equal(t, CurlBody, string(payload(t, "one").Bodies[0]))
}

// Every kind of refusal is among the rejected bodies, and each body is refused for one thing.
func TestRejectedBodiesAreRefusedInEveryWay(t *testing.T) {
	counts := map[string]int{}
	decoder := reader{engine(t, Oracle).New(), new(metric.Batch)}
	p := payload(t, "rejected")
	for i, body := range p.Bodies {
		r := decoder.read(body)
		counts[r.Verdict()]++
		var invalid *metric.InvalidError
		if assert.Error(t, r.Err, "body %d", i) && assert.NotContains(t, r.Verdict(), "failed") {
			if ok := errorsAs(r.Err, &invalid); ok {
				assert.Len(t, invalid.Fields, 1, "body %d: %v", i, r.Err)
			}
		}
	}
	assert.Equal(t, map[string]int{"refused: syntax": 56, "refused: schema": 32}, counts)
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(content string) string {
		path := filepath.Join(dir, "bodies.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	var indented strings.Builder
	e := json.NewEncoder(&indented)
	e.SetIndent("", "\t")
	require.NoError(t, e.Encode(json.RawMessage(CurlBody)))
	for name, c := range map[string]struct {
		content                   string
		bodies, accepted, metrics int
	}{
		"one document over several lines": {indented.String(), 1, 1, 1},
		"one body a line, and empty ones": {CurlBody + "\n\n  " + CurlBody + "\r\n" + `{"metrics":[]}` + "\n" + `{"met`, 4, 2, 2},
		"nothing good":                    {"not JSON\n", 1, 0, 0},
	} {
		p, err := Load(write(c.content))
		require.NoError(t, err, name)
		assert.Len(t, p.Bodies, c.bodies, name)
		assert.Equal(t, c.accepted, p.Accepted, name)
		assert.Equal(t, c.metrics, p.Metrics, name)
		assert.Len(t, p.Good().Bodies, c.accepted, name)
		assert.Equal(t, "own", p.Name)
		assert.Contains(t, p.Description, "bodies.json")
	}
	_, err := Load(write(" \n\n"))
	assert.ErrorContains(t, err, "it is empty; one body, or one body a line, is required")
	_, err = Load(filepath.Join(dir, "missing"))
	assert.ErrorContains(t, err, "cannot read the payload")
}
