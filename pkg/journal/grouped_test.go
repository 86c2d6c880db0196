package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

func TestMemoryLingers(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Ack: Memory, Linger: 50 * time.Millisecond, GroupBytes: 100}
	withFaults(t, cfg, func(r *rig) {
		written := func() string { synctest.Wait(); return contents(t, cfg.Dir, FileName) }
		require.NoError(t, r.Append(record(1, "one")))
		time.Sleep(49 * time.Millisecond)
		require.NoError(t, r.Append(record(1, "two")))
		assert.Empty(t, written(), "after 49 of 50 ms")
		time.Sleep(time.Millisecond)
		assert.Equal(t, "one\ntwo\n", written(), "after 50 ms")
		assert.Equal(t, 1, r.fs.count("writev", FileName))

		time.Sleep(time.Hour)
		require.NoError(t, r.Append(record(1, strings.Repeat("x", 50))))
		require.NoError(t, r.Append(record(2, strings.Repeat("y", 47))))
		assert.Len(t, written(), 8, "one byte below the size of a group")
		require.NoError(t, r.Append(record(3)))
		assert.Len(t, written(), 8+51+48+1, "at the size of a group")
		require.NoError(t, r.Append(record(1, strings.Repeat("z", 500))))
		assert.Len(t, written(), 8+51+48+1+501, "beyond the size of a group at once")
	})
}

// Lines that come during a write have waited for part of it when it ends.
func TestMemoryLingersFromTheLastGroup(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Ack: Memory, Linger: 50 * time.Millisecond}
	withFaults(t, cfg, func(r *rig) {
		r.fs.set(func(c call) (int, error) {
			if c.op == "writev" {
				time.Sleep(40 * time.Millisecond)
			}
			return c.bytes, nil
		})
		require.NoError(t, r.Append(record(1, "one")))
		time.Sleep(51 * time.Millisecond) // one millisecond into the write
		require.NoError(t, r.Append(record(1, "two")))
		time.Sleep(38 * time.Millisecond) // shortly before its end
		require.NoError(t, r.Append(record(1, "three")))
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 1, r.fs.count("writev", FileName))
		time.Sleep(time.Millisecond) // 50 ms after the first group was taken
		synctest.Wait()
		assert.Equal(t, 2, r.fs.count("writev", FileName))
	})
}

// What is queued while a group is written forms the next one: one write, one sync, for all that wait.
func TestWaitersShareOneGroup(t *testing.T) {
	for _, ack := range []Ack{Written, Synced} {
		t.Run("ack="+ack.String(), func(t *testing.T) {
			cfg := Config{Dir: t.TempDir(), Ack: ack}
			withFaults(t, cfg, func(r *rig) {
				release := make(chan struct{})
				r.fs.set(func(c call) (int, error) {
					if c.op == "writev" {
						<-release
					}
					return c.bytes, nil
				})
				var mu sync.Mutex
				answered := 0
				send := func(conn uint64) {
					go func() {
						assert.NoError(t, r.Append(record(conn, "line")))
						mu.Lock()
						defer mu.Unlock()
						answered++
					}()
				}
				send(0)
				synctest.Wait()
				for conn := range uint64(99) {
					send(conn)
				}
				synctest.Wait()
				assert.Zero(t, answered, "answered before the write returned")
				release <- struct{}{}
				synctest.Wait()
				assert.Equal(t, 1, answered)
				release <- struct{}{}
				synctest.Wait()
				assert.Equal(t, 100, answered)
				assert.Equal(t, 2, r.fs.count("writev", FileName))
				if ack == Synced {
					assert.Equal(t, 2, r.fs.count("datasync", FileName))
				}
				close(release)
			})
		})
	}
}

func TestSyncedAnswersAfterTheSync(t *testing.T) {
	for _, direct := range []bool{false, true} {
		t.Run(fmt.Sprintf("direct=%t", direct), func(t *testing.T) {
			withFaults(t, Config{Dir: t.TempDir(), Ack: Synced, Direct: direct}, func(r *rig) {
				release := make(chan struct{})
				r.fs.set(func(c call) (int, error) {
					if c.op == "datasync" {
						<-release
					}
					return c.bytes, nil
				})
				answered := make(chan error, 1)
				go func() { answered <- r.Append(record(1, "one")) }()
				synctest.Wait()
				assert.Equal(t, "one\n", contents(t, r.dir, FileName))
				assert.Empty(t, answered, "answered before the sync returned")
				close(release)
				assert.NoError(t, <-answered)
			})
		})
	}
}

// All that waits when a write fails is told so: the group, and what came after it.
func TestFailureReachesAllThatWait(t *testing.T) {
	withFaults(t, Config{Dir: t.TempDir(), Ack: Written}, func(r *rig) {
		release := make(chan struct{})
		r.fs.set(func(c call) (int, error) {
			if c.op == "writev" {
				<-release
			}
			return failedWrite(c)
		})
		answers := make(chan error, 100)
		for conn := range uint64(100) {
			go func() { answers <- r.Append(record(conn, "line")) }()
			if conn == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		close(release)
		for range 100 {
			assert.ErrorIs(t, <-answers, metric.ErrFailed)
		}
		synctest.Wait()
		assert.ErrorIs(t, r.Healthy(), metric.ErrFailed)
		assert.Equal(t, 1, r.fs.count("writev", FileName), "nothing more was written to it")
	})
}

func TestQueueIsBounded(t *testing.T) {
	const capacity = 1000
	cfg := Config{Dir: t.TempDir(), Ack: Memory, CapacityBytes: capacity}
	withFaults(t, cfg, func(r *rig) {
		release := make(chan struct{})
		r.fs.set(func(c call) (int, error) {
			if c.op == "writev" {
				<-release
			}
			return c.bytes, nil
		})
		q := r.writer.(*grouped).queue
		require.ErrorIs(t, r.Append(record(0, strings.Repeat("x", capacity))), metric.ErrFull, "larger than the queue")
		assert.Zero(t, q.bytes.Load(), "nothing of what was refused is kept")

		want := 0
		for conn := uint64(0); ; conn++ {
			if err := r.Append(record(conn, strings.Repeat("x", 99))); err != nil {
				require.ErrorIs(t, err, metric.ErrFull)
				break
			}
			want += 100
		}
		assert.Equal(t, capacity, want)
		synctest.Wait() // the group is being written, and still counts
		require.ErrorIs(t, r.Append(record(0, "x")), metric.ErrFull)
		assert.EqualValues(t, 3, q.rejected.Load())
		close(release)
		synctest.Wait()
		assert.Zero(t, q.bytes.Load())
		require.NoError(t, r.Append(record(0, strings.Repeat("x", capacity-1))))
		mustClose(t, r.Journal)
		assert.Len(t, contents(t, cfg.Dir, FileName), want+capacity)
	})
}

// A buffer that one large request blew up is let go when smaller ones follow; one that is put to use stays.
func TestBuffersShrink(t *testing.T) {
	withFaults(t, Config{Dir: t.TempDir(), Ack: Written}, func(r *rig) {
		w := r.writer.(*grouped)
		largest := func() int {
			synctest.Wait()
			n := 0
			for i := range w.shards {
				n = max(n, cap(w.shards[i].buf), cap(w.spare[i]))
			}
			return n
		}
		require.NoError(t, r.Append(record(0, strings.Repeat("x", 4<<20))))
		assert.Greater(t, largest(), 4<<20)
		for range 2 {
			require.NoError(t, r.Append(record(0, "x")))
		}
		assert.LessOrEqual(t, largest(), DefaultGroupBytes)
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	rec := record(7, strings.Repeat("x", 110))
	for _, c := range []struct {
		cfg  Config
		want float64
	}{
		{Config{Ack: Memory}, 0},
		{Config{Ack: Written}, 2}, // the group and its channel, of which this sole Append bears the whole
		{Config{Ack: Written, Direct: true}, 0},
	} {
		t.Run(fmt.Sprintf("direct=%t/ack=%s", c.cfg.Direct, c.cfg.Ack), func(t *testing.T) {
			c.cfg.Dir = t.TempDir()
			j := mustOpen(t, c.cfg)
			defer mustClose(t, j)
			appendOne := func() {
				if err := j.Append(rec); err != nil {
					t.Fatal(err)
				}
			}
			for range 20_000 { // until the buffers have grown to what a group needs
				appendOne()
			}
			assert.LessOrEqual(t, testing.AllocsPerRun(5000, appendOne), c.want)
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, m := range modes {
		for _, metrics := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/metrics=%d", m.name, metrics), func(b *testing.B) {
				cfg := Config{Dir: b.TempDir(), Direct: m.direct, Ack: m.ack}
				j := mustOpen(b, cfg)
				lines := slices.Repeat([]byte(`{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}`+"\n"), metrics)
				b.SetBytes(int64(len(lines)))
				b.SetParallelism(32)
				b.ReportAllocs()
				var conns, full atomic.Uint64
				b.RunParallel(func(pb *testing.PB) {
					rec := metric.Record{Conn: conns.Add(1), Lines: lines, Metrics: metrics}
					for pb.Next() {
						for j.Append(rec) != nil { // full: as a client that tries again
							full.Add(1)
							time.Sleep(time.Millisecond)
						}
					}
				})
				b.ReportMetric(float64(full.Load())/float64(b.N), "full/op")
				mustClose(b, j)
				require.NoError(b, os.Remove(filepath.Join(cfg.Dir, FileName)))
			})
		}
	}
}
