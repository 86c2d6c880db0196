package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// modes are all writers and acknowledgements that go together.
var modes = []struct {
	name   string
	direct bool
	ack    Ack
}{
	{"writer=grouped/ack=memory", false, Memory},
	{"writer=grouped/ack=written", false, Written},
	{"writer=grouped/ack=synced", false, Synced},
	{"writer=direct/ack=written", true, Written},
	{"writer=direct/ack=synced", true, Synced},
}

func eachMode(t *testing.T, test func(t *testing.T, cfg Config)) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			test(t, Config{Dir: t.TempDir(), Direct: m.direct, Ack: m.ack})
		})
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func mustOpen(t testing.TB, cfg Config) *Journal {
	t.Helper()
	j, err := Open(cfg, quiet(), nil)
	require.NoError(t, err)
	return j
}

func mustClose(t testing.TB, j *Journal) {
	t.Helper()
	require.NoError(t, j.Close(context.Background()))
}

func record(conn uint64, lines ...string) metric.Record {
	return metric.Record{Conn: conn, Lines: []byte(strings.Join(lines, "\n") + "\n"), Metrics: len(lines)}
}

func contents(t testing.TB, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(b)
}

// beside returns the names of the files in dir that begin with FileName.what.
func beside(t testing.TB, dir, what string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, FileName+"."+what+"*"))
	require.NoError(t, err)
	return names
}

// numbered is a line that says which of how many of which request of which connection it is.
type numbered struct{ Conn, Seq, Line, Of int }

func numberedRecord(conn, seq int) metric.Record {
	rec := metric.Record{Conn: uint64(conn), Metrics: 1 + (conn+seq)%3}
	for i := range rec.Metrics {
		rec.Lines = fmt.Appendf(rec.Lines, `{"Conn":%d,"Seq":%d,"Line":%d,"Of":%d}`+"\n", conn, seq, i, rec.Metrics)
	}
	return rec
}

// checkNumbered checks that the lines of each request stand together and those of each connection in order,
// and that there are as many requests of each connection as there should be.
func checkNumbered(t *testing.T, text string, conns, requests int) {
	t.Helper()
	next := make([]int, conns)
	open := numbered{}
	for i, line := range strings.SplitAfter(text, "\n") {
		if line == "" {
			continue
		}
		var got numbered
		require.NoError(t, json.Unmarshal([]byte(line), &got), "line %d: %q", i+1, line)
		want := numbered{got.Conn, next[got.Conn], 0, got.Of}
		if open.Of > 0 {
			want = numbered{open.Conn, open.Seq, open.Line + 1, open.Of}
		}
		require.Equal(t, want, got, "line %d", i+1)
		if open = got; got.Line == got.Of-1 {
			next[got.Conn]++
			open = numbered{}
		}
	}
	require.Zero(t, open, "the last request is not whole")
	for conn, n := range next {
		require.Equal(t, requests, n, "requests of connection %d", conn)
	}
}

func TestAppendsOfManyConnections(t *testing.T) {
	const conns = 40
	eachMode(t, func(t *testing.T, cfg Config) {
		requests := 60
		if cfg.Direct && cfg.Ack == Synced {
			requests = 8 // a sync for each
		}
		j := mustOpen(t, cfg)
		var wg sync.WaitGroup
		for conn := range conns {
			wg.Go(func() {
				for seq := range requests {
					rec := numberedRecord(conn, seq)
					assert.NoError(t, j.Append(rec))
					for i := range rec.Lines { // borrowed until Append returns, and no longer
						rec.Lines[i] = 'x'
					}
				}
			})
		}
		wg.Wait()
		if cfg.Ack != Memory {
			checkNumbered(t, contents(t, cfg.Dir, FileName), conns, requests) // acknowledged: there before Close
		}
		mustClose(t, j)
		checkNumbered(t, contents(t, cfg.Dir, FileName), conns, requests)
	})
}

func TestGroupedWriterStoresWhatTheDirectOneDoes(t *testing.T) {
	stored := map[bool][]string{}
	for _, direct := range []bool{true, false} {
		cfg := Config{Dir: t.TempDir(), Direct: direct, Ack: Written}
		j := mustOpen(t, cfg)
		var wg sync.WaitGroup
		for conn := range 16 {
			wg.Go(func() {
				for seq := range 50 {
					line := fmt.Sprintf(`{"c":%d,"s":%d,"pad":%q}`, conn, seq, strings.Repeat("p", conn*seq))
					assert.NoError(t, j.Append(record(uint64(conn), line)))
				}
			})
		}
		wg.Wait()
		mustClose(t, j)
		lines := strings.SplitAfter(contents(t, cfg.Dir, FileName), "\n")
		slices.Sort(lines)
		stored[direct] = lines
	}
	assert.Equal(t, stored[true], stored[false])
}

func TestAppendAfterRestartContinuesTheFile(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		for _, line := range []string{"one", "two"} {
			j := mustOpen(t, cfg)
			require.NoError(t, j.Append(record(1, line)))
			mustClose(t, j)
		}
		assert.Equal(t, "one\ntwo\n", contents(t, cfg.Dir, FileName))
	})
}

func TestEmptyRecord(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		j := mustOpen(t, cfg)
		assert.NoError(t, j.Append(metric.Record{}), "a request of which nothing was valid has nothing to wait for")
		mustClose(t, j)
		assert.ErrorIs(t, j.Append(metric.Record{}), metric.ErrClosed)
	})
}

func TestClosed(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		j := mustOpen(t, cfg)
		assert.NoError(t, j.Healthy())
		mustClose(t, j)
		assert.ErrorIs(t, j.Append(record(1, "late")), metric.ErrClosed)
		assert.ErrorIs(t, j.Healthy(), metric.ErrClosed)
		assert.ErrorIs(t, j.Reopen(), metric.ErrClosed)
		mustClose(t, j)
		assert.Empty(t, contents(t, cfg.Dir, FileName))
	})
}

// Appends that race with Close are either refused or stored.
func TestCloseStoresWhatItAcknowledged(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		for range 5 {
			j := mustOpen(t, cfg)
			var mu sync.Mutex
			var want []string
			var wg sync.WaitGroup
			for conn := range 8 {
				wg.Go(func() {
					for seq := 0; ; seq++ {
						line := fmt.Sprintf("%d-%d", conn, seq)
						if err := j.Append(record(uint64(conn), line)); err != nil {
							assert.ErrorIs(t, err, metric.ErrClosed)
							return
						}
						mu.Lock()
						want = append(want, line)
						enough := len(want) == 100
						mu.Unlock()
						if enough {
							go func() { assert.NoError(t, j.Close(context.Background())) }()
						}
					}
				})
			}
			wg.Wait()
			mustClose(t, j)
			path := filepath.Join(cfg.Dir, FileName)
			got := strings.Fields(contents(t, path))
			slices.Sort(got)
			slices.Sort(want)
			require.Equal(t, want, got)
			require.NoError(t, os.Remove(path))
		}
	})
}

func TestReopenUnderLoadLosesNothing(t *testing.T) {
	const conns, requests, rotations = 8, 60, 10
	eachMode(t, func(t *testing.T, cfg Config) {
		j := mustOpen(t, cfg)
		var wg sync.WaitGroup
		for conn := range conns {
			wg.Go(func() {
				for seq := range requests {
					assert.NoError(t, j.Append(numberedRecord(conn, seq)))
				}
			})
		}
		path := filepath.Join(cfg.Dir, FileName)
		var all strings.Builder
		for i := range rotations {
			old := fmt.Sprintf("%s.%d", path, i)
			require.NoError(t, os.Rename(path, old))
			require.NoError(t, j.Reopen())
			text := contents(t, old)
			require.NoError(t, os.Remove(old))
			all.WriteString(text) // nothing is written to the old file after Reopen returned
		}
		wg.Wait()
		mustClose(t, j)
		checkNumbered(t, all.String()+contents(t, path), conns, requests)
	})
}

func TestReopenKeepsTheFileWhenThereIsNoOther(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		j := mustOpen(t, cfg)
		path := filepath.Join(cfg.Dir, FileName)
		require.NoError(t, os.Rename(path, path+".old"))
		require.NoError(t, os.Mkdir(path, 0o755))
		assert.ErrorContains(t, j.Reopen(), "is a directory")
		assert.NoError(t, j.Append(record(1, "one")))
		mustClose(t, j)
		assert.Equal(t, "one\n", contents(t, path+".old"))
	})
}

func TestOneProcessAtATime(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	j := mustOpen(t, cfg)
	_, err := Open(cfg, quiet(), nil)
	assert.ErrorContains(t, err, "another process is using this data directory")
	mustClose(t, j)
	mustClose(t, mustOpen(t, cfg))
}

func TestOpenCreatesTheDirectory(t *testing.T) {
	cfg := Config{Dir: filepath.Join(t.TempDir(), "a", "b")}
	mustClose(t, mustOpen(t, cfg))
	assert.FileExists(t, filepath.Join(cfg.Dir, FileName))
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o644))
	taken := filepath.Join(dir, "taken")
	require.NoError(t, os.MkdirAll(filepath.Join(taken, FileName), 0o755))
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no directory", Config{}, "no data directory is named"},
		{"direct from memory", Config{Dir: dir, Direct: true}, "the direct writer has written before it answers"},
		{"no such ack", Config{Dir: dir, Ack: 3}, "Ack(3) is none of memory, written, synced"},
		{"negative linger", Config{Dir: dir, Linger: -1}, "not negative"},
		{"directory is a file", Config{Dir: plain}, "not a directory"},
		{"parent is a file", Config{Dir: filepath.Join(plain, "data")}, "not a directory"},
		{"file is a directory", Config{Dir: taken}, "is a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.cfg, quiet(), nil)
			require.ErrorContains(t, err, c.want)
			assert.True(t, strings.HasPrefix(err.Error(), "cannot open the journal: "), err)
		})
	}
}

func TestAckNames(t *testing.T) {
	for _, a := range []Ack{Memory, Written, Synced} {
		got, err := ParseAck(a.String())
		assert.NoError(t, err)
		assert.Equal(t, a, got)
	}
	_, err := ParseAck("fsync")
	assert.EqualError(t, err, `"fsync" is none of memory, written, synced`)
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	cfg := Config{Dir: t.TempDir(), Ack: Synced, CapacityBytes: 10}
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, FileName), []byte("whole\ntorn"), 0o644))
	var log bytes.Buffer
	j, err := Open(cfg, slog.New(slog.NewTextHandler(&log, nil)), reg)
	require.NoError(t, err)
	assert.Contains(t, log.String(), "last line was torn")
	require.NoError(t, j.Append(record(1, "123")))
	require.ErrorIs(t, j.Append(record(1, "0123456789")), metric.ErrFull)

	assert.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP metricstream_journal_errors_total Failed operations on the journal's files.
# TYPE metricstream_journal_errors_total counter
metricstream_journal_errors_total{op="close"} 0
metricstream_journal_errors_total{op="open"} 0
metricstream_journal_errors_total{op="rename"} 0
metricstream_journal_errors_total{op="repair"} 0
metricstream_journal_errors_total{op="sync"} 0
metricstream_journal_errors_total{op="write"} 0
# HELP metricstream_journal_lost_metrics_total Metrics acknowledged from memory whose write then failed.
# TYPE metricstream_journal_lost_metrics_total counter
metricstream_journal_lost_metrics_total 0
# HELP metricstream_journal_repairs_total Torn last lines moved aside when the journal was opened.
# TYPE metricstream_journal_repairs_total counter
metricstream_journal_repairs_total 1
# HELP metricstream_journal_written_bytes_total Bytes of acknowledged groups written to the journal.
# TYPE metricstream_journal_written_bytes_total counter
metricstream_journal_written_bytes_total 4
# HELP metricstream_queue_bytes Bytes in the journal's queue, those being written included.
# TYPE metricstream_queue_bytes gauge
metricstream_queue_bytes 0
# HELP metricstream_queue_capacity_bytes Bytes that the journal's queue can hold.
# TYPE metricstream_queue_capacity_bytes gauge
metricstream_queue_capacity_bytes 10
# HELP metricstream_queue_rejected_total Requests refused because the journal's queue was full.
# TYPE metricstream_queue_rejected_total counter
metricstream_queue_rejected_total 1
`), "metricstream_journal_errors_total", "metricstream_journal_lost_metrics_total", "metricstream_journal_repairs_total",
		"metricstream_journal_written_bytes_total", "metricstream_queue_bytes", "metricstream_queue_capacity_bytes",
		"metricstream_queue_rejected_total"))
	n, err := testutil.GatherAndCount(reg, "metricstream_journal_write_duration_seconds", "metricstream_journal_sync_duration_seconds")
	require.NoError(t, err)
	assert.Equal(t, 2, n)

	_, err = Open(Config{Dir: t.TempDir()}, quiet(), reg)
	var twice prometheus.AlreadyRegisteredError
	assert.ErrorAs(t, err, &twice, "two journals in one registry")
	mustClose(t, j)
}
