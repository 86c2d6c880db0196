package shadow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"metricstream/pkg/metric"
)

// decoder makes one metric whose value is the length of the body, plus off if the body says so.
type decoder struct {
	off  float64
	hold chan struct{} // received from before each Decode, unless nil
}

func (d *decoder) Decode(dst *metric.Batch, body []byte) error {
	if d.hold != nil {
		<-d.hold
	}
	dst.Reset()
	switch {
	case bytes.HasPrefix(body, []byte("panic")) && d.off != 0:
		panic("engine broke")
	case bytes.HasPrefix(body, []byte("refuse")) && d.off != 0:
		return &metric.SyntaxError{}
	}
	m := metric.Metric{Name: "n", Value: float64(len(body)), Type: metric.Gauge, Time: metric.NoTime}
	if bytes.HasPrefix(body, []byte("differ")) {
		m.Value += d.off
	}
	dst.Metrics = append(dst.Metrics, m)
	return nil
}

func config(t *testing.T) Config {
	return Config{
		Live:       Engine{"live", func() metric.Decoder { return &decoder{} }},
		Shadow:     Engine{"other", func() metric.Decoder { return &decoder{off: 0.5} }},
		Sample:     1,
		Quarantine: filepath.Join(t.TempDir(), "quarantine.jsonl"),
	}
}

func TestDifferencesAreCountedLoggedAndKept(t *testing.T) {
	defer goleak.VerifyNone(t)
	cfg := config(t)
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	s, err := New(cfg, slog.New(slog.NewJSONHandler(&log, nil)), reg)
	require.NoError(t, err)
	body := []byte("differ, with secrets")
	for _, b := range []string{"same", "refuse me", "panic now"} {
		s.Offer([]byte(b))
	}
	s.Offer(body)
	copy(body, "XXXXXXXXXXXXXXXXXXXX") // the handler's buffer is reused
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")
	s.Offer(body)

	assert.Equal(t, 4.0, testutil.ToFloat64(s.compared))
	assert.Equal(t, 3.0, testutil.ToFloat64(s.mismatches))
	lines := strings.Split(strings.TrimSpace(read(t, cfg.Quarantine)), "\n")
	require.Len(t, lines, 3)
	var kept []quarantined
	for _, line := range lines {
		var q quarantined
		require.NoError(t, json.Unmarshal([]byte(line), &q))
		kept = append(kept, q)
	}
	assert.Equal(t, "refused: syntax", kept[0].Got)
	assert.Equal(t, "failed: panic: engine broke", kept[1].Got)
	assert.Equal(t, "value", kept[2].Field)
	assert.Equal(t, "differ, with secrets", string(kept[2].Body))
	assert.NotContains(t, log.String(), "secrets", "bodies are not logged")
	assert.Equal(t, 3, strings.Count(log.String(), "engines differ"))
	n, err := testutil.GatherAndCount(reg, "metricstream_shadow_decode_duration_seconds")
	require.NoError(t, err)
	assert.Equal(t, 2, n, "a histogram for each engine")
}

func TestTheShareIsAboutTheSample(t *testing.T) {
	cfg := config(t)
	cfg.Sample = 0.1
	s, err := New(cfg, slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	const n = 20_000
	for range n {
		s.Offer([]byte("same"))
	}
	require.NoError(t, s.Close())
	taken := testutil.ToFloat64(s.compared) + float64(s.dropped.Load())
	assert.InDelta(t, n/10, taken, n/50)
}

func TestAFullQueueDropsInsteadOfWaiting(t *testing.T) {
	cfg := config(t)
	hold := make(chan struct{})
	cfg.Live.New = func() metric.Decoder { return &decoder{hold: hold} }
	s, err := New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 100 {
				s.Offer([]byte("same"))
			}
		})
	}
	clients.Wait()
	dropped := s.dropped.Load()
	assert.GreaterOrEqual(t, dropped, uint64(400-waiting-1))
	close(hold)
	require.NoError(t, s.Close())
	assert.Equal(t, 400.0, testutil.ToFloat64(s.compared)+float64(dropped), "every sample is compared or counted as dropped")
}

func TestQuarantineIsBoundedAcrossRestarts(t *testing.T) {
	cfg := config(t)
	cfg.QuarantineBytes = 2000
	for range 3 {
		s, err := New(cfg, slog.New(slog.DiscardHandler), nil)
		require.NoError(t, err)
		for i := range 20 {
			s.Offer(fmt.Appendf(nil, "differ %d", i))
		}
		require.NoError(t, s.Close())
		assert.Positive(t, testutil.ToFloat64(s.withheld))
		assert.LessOrEqual(t, len(read(t, cfg.Quarantine)), 2000)
	}
	assert.Greater(t, len(read(t, cfg.Quarantine)), 1500)
	info, err := os.Stat(cfg.Quarantine)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestLargeBodiesDoNotStay(t *testing.T) {
	s, err := New(config(t), slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	s.Offer(make([]byte, keptBody+1))
	require.NoError(t, s.Close())
	assert.Empty(t, s.free)
}

func TestWrongConfigurationsAreRefused(t *testing.T) {
	for _, share := range []float64{0, -1, 1.1} {
		cfg := config(t)
		cfg.Sample = share
		_, err := New(cfg, slog.New(slog.DiscardHandler), nil)
		assert.ErrorContains(t, err, "above 0 and at most 1", share)
	}
	cfg := config(t)
	cfg.Quarantine = filepath.Join(t.TempDir(), "missing", "file")
	_, err := New(cfg, slog.New(slog.DiscardHandler), nil)
	assert.True(t, errors.Is(err, os.ErrNotExist), err)
	reg := prometheus.NewRegistry()
	s, err := New(config(t), slog.New(slog.DiscardHandler), reg)
	require.NoError(t, err)
	defer s.Close()
	_, err = New(config(t), slog.New(slog.DiscardHandler), reg)
	assert.ErrorContains(t, err, "metrics")
}

func TestAQuarantineThatCannotBeWrittenIsSaid(t *testing.T) {
	var log bytes.Buffer
	s, err := New(config(t), slog.New(slog.NewTextHandler(&log, nil)), nil)
	require.NoError(t, err)
	require.NoError(t, s.file.Close())
	s.Offer([]byte("differ"))
	assert.Error(t, s.Close())
	assert.Contains(t, log.String(), "cannot keep a body")
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}
