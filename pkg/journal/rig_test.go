package journal

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// rig is a journal on a file system that can fail, in a bubble whose clock runs when all wait.
type rig struct {
	*Journal
	t   *testing.T
	dir string
	fs  *faultFS
	reg *prometheus.Registry
	log bytes.Buffer // to be read when the bubble is at rest
}

func withFaults(t *testing.T, cfg Config, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, dir: cfg.Dir, fs: &faultFS{}, reg: prometheus.NewRegistry()}
		var err error
		r.Journal, err = open(cfg, r.fs, slog.New(slog.NewTextHandler(&r.log, nil)), r.reg)
		require.NoError(t, err)
		defer func() { // for those tests that do not, or end early
			r.fs.set(nil)
			_ = r.Close(context.Background())
		}()
		test(r)
	})
}

// eachWaitingMode is eachMode without those whose Append does not tell of the write.
func eachWaitingMode(t *testing.T, test func(t *testing.T, cfg Config)) {
	eachMode(t, func(t *testing.T, cfg Config) {
		if cfg.Ack == Memory {
			return
		}
		test(t, cfg)
	})
}

func (r *rig) errors(op string) float64 {
	r.t.Helper()
	families, err := r.reg.Gather()
	require.NoError(r.t, err)
	for _, f := range families {
		if f.GetName() == "metricstream_journal_errors_total" {
			for _, m := range f.GetMetric() {
				if m.GetLabel()[0].GetValue() == op {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	r.t.Fatalf("no count of errors of %s", op)
	return 0
}

func (r *rig) lost(want int) {
	r.t.Helper()
	assert.NoError(r.t, testutil.GatherAndCompare(r.reg, strings.NewReader(fmt.Sprintf(`
# HELP metricstream_journal_lost_metrics_total Metrics acknowledged from memory whose write then failed.
# TYPE metricstream_journal_lost_metrics_total counter
metricstream_journal_lost_metrics_total %d
`, want)), "metricstream_journal_lost_metrics_total"))
}

// on is a fault of one op on files whose name begins with prefix.
func on(op, prefix string, n int, err error) fault {
	return func(c call) (int, error) {
		if c.op == op && strings.HasPrefix(c.name, prefix) {
			return min(n, c.bytes), err
		}
		return c.bytes, nil
	}
}

var (
	failedWrite = on("writev", FileName, 0, unix.EIO)
	fullDisk    = on("writev", FileName, 0, unix.ENOSPC)
)
