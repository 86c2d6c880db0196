package journal

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"metricstream/pkg/metric"
)

func TestFailureIsFinalForTheFile(t *testing.T) {
	tear := func() fault { // the disk fills up within a group
		torn := false
		return func(c call) (int, error) {
			if c.op != "writev" || c.name != FileName {
				return c.bytes, nil
			}
			if !torn {
				torn = true
				return 3, nil
			}
			return 0, unix.ENOSPC
		}
	}
	for _, c := range []struct {
		name  string
		op    string
		fault fault
		cause error
		aside string // what the file moved aside holds
	}{
		{"write fails", opWrite, failedWrite, unix.EIO, "good\n"},
		{"write takes nothing", opWrite, on("writev", FileName, 0, nil), nil, "good\n"},
		{"write is torn", opWrite, tear(), unix.ENOSPC, "good\nref"},
		{"sync fails", opSync, on("datasync", FileName, 0, unix.EIO), unix.EIO, "good\nrefused\n"},
		{"sync is interrupted", opSync, on("datasync", FileName, 0, unix.EINTR), unix.EINTR, "good\nrefused\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWaitingMode(t, func(t *testing.T, cfg Config) {
				if c.op == opSync && cfg.Ack != Synced {
					return
				}
				torn := c.fault
				if c.name == "write is torn" {
					torn = tear()
				}
				withFaults(t, cfg, func(r *rig) {
					require.NoError(t, r.Append(record(1, "good")))
					r.fs.set(func(x call) (int, error) {
						if strings.HasSuffix(x.name, ".probe") {
							return x.bytes, nil
						}
						return torn(x)
					})
					err := r.Append(record(1, "refused"))
					require.ErrorIs(t, err, metric.ErrFailed)
					if c.cause != nil {
						assert.ErrorIs(t, err, c.cause)
					}
					assert.ErrorContains(t, err, "cannot "+c.op+" "+filepath.Join(cfg.Dir, FileName))
					synctest.Wait()
					if c.op == opSync {
						assert.Equal(t, 1, r.fs.count("datasync", FileName), "a failed sync is not repeated")
					}
					r.fs.set(nil)

					assert.NoError(t, r.Healthy(), "a fresh file was begun at once")
					require.NoError(t, r.Append(record(1, "fresh")))
					assert.Equal(t, "fresh\n", contents(t, cfg.Dir, FileName))
					aside := beside(t, cfg.Dir, "failed-")
					require.Len(t, aside, 1)
					assert.Equal(t, c.aside, contents(t, aside[0]))
					assert.Empty(t, beside(t, cfg.Dir, "probe"))
					assert.Equal(t, 1.0, r.errors(c.op))
					synctest.Wait()
					assert.Contains(t, r.log.String(), "the journal's file failed")
					assert.Contains(t, r.log.String(), "the journal has begun a fresh file")
				})
			})
		})
	}
}

func TestInterruptedAndShortWritesGoOn(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			calls := 0
			r.fs.set(func(c call) (int, error) {
				if c.op != "writev" {
					return c.bytes, nil
				}
				if calls++; calls%2 == 1 {
					return 0, unix.EINTR
				}
				return min(c.bytes, 7), nil
			})
			var want []string
			for conn := range 20 {
				line := strings.Repeat(string(rune('a'+conn)), conn+1)
				want = append(want, line)
				require.NoError(t, r.Append(record(uint64(conn), line)))
			}
			mustClose(t, r.Journal)
			assert.ElementsMatch(t, want, strings.Fields(contents(t, cfg.Dir, FileName)))
			assert.Greater(t, calls, 40)
		})
	})
}

// While the disk is full, requests are refused at once, the disk is tried at a bounded rate, files do not pile up,
// and when there is room again the journal heals without a request.
func TestFullDisk(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			require.NoError(t, r.Append(record(1, "good")))
			time.Sleep(time.Second)
			r.fs.set(fullDisk)
			err := r.Append(record(1, "refused"))
			if cfg.Ack == Memory {
				require.NoError(t, err)
				time.Sleep(DefaultLinger)
			} else {
				require.ErrorIs(t, err, unix.ENOSPC)
			}
			synctest.Wait()
			require.ErrorIs(t, r.Healthy(), metric.ErrFailed)
			assert.ErrorIs(t, r.Healthy(), unix.ENOSPC)

			start := time.Now()
			for range 100 {
				require.ErrorIs(t, r.Append(record(1, "refused")), metric.ErrFailed)
			}
			assert.Equal(t, start, time.Now(), "refusing took time, or waited for a retry")

			time.Sleep(10 * time.Minute)
			synctest.Wait()
			tries := r.fs.count("open", FileName+".probe")
			assert.GreaterOrEqual(t, tries, 20, "tried every 30 seconds at least")
			assert.LessOrEqual(t, tries, 25, "tried every 30 seconds at most, but for the first few")
			assert.Len(t, beside(t, cfg.Dir, "failed-"), 1)
			assert.Empty(t, beside(t, cfg.Dir, "probe"))

			r.fs.set(nil)
			time.Sleep(retryMax)
			synctest.Wait()
			require.NoError(t, r.Healthy())
			require.NoError(t, r.Append(record(1, "fresh")))
			mustClose(t, r.Journal)
			assert.Equal(t, "fresh\n", contents(t, cfg.Dir, FileName))
			if cfg.Ack == Memory {
				r.lost(1)
			} else {
				r.lost(0)
			}
		})
	})
}

// A disk that takes a probe and then no group leaves no file for each attempt.
// With memory, lines are acknowledged before they are written: what a failed write left in a fresh file is kept.
func TestPartOfAnAcknowledgedGroupIsKept(t *testing.T) {
	for _, took := range []int{0, 8} {
		cfg := Config{Dir: t.TempDir(), Ack: Memory}
		withFaults(t, cfg, func(r *rig) {
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" && c.name == FileName {
					if c.bytes > 8 {
						return took, unix.ENOSPC
					}
					return 0, unix.ENOSPC
				}
				return c.bytes, nil
			})
			require.NoError(t, r.Append(record(1, "fresh", "lost")))
			time.Sleep(DefaultLinger)
			synctest.Wait()
			r.fs.set(nil)
			time.Sleep(retryMax)
			synctest.Wait()
			aside := beside(t, cfg.Dir, "failed-")
			if took == 0 {
				assert.Empty(t, aside, "an empty file holds nothing")
				return
			}
			require.Len(t, aside, 1)
			assert.Equal(t, "fresh\nlo", contents(t, aside[0]))
		})
	}
}

func TestFlappingDiskLeavesNoFiles(t *testing.T) {
	eachWaitingMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" && c.name == FileName {
					return 0, unix.EIO
				}
				return c.bytes, nil
			})
			failures := 0
			for range 1000 {
				if err := r.Append(record(1, "refused")); errors.Is(err, unix.EIO) {
					failures++
				}
				time.Sleep(100 * time.Millisecond)
			}
			assert.Positive(t, failures)
			assert.LessOrEqual(t, r.fs.count("writev", FileName), 10, "each attempt waits for longer than the last")
			assert.Empty(t, beside(t, cfg.Dir, "failed-"), "nothing was ever acknowledged in any of the files")

			r.fs.set(nil)
			time.Sleep(retryMax)
			synctest.Wait()
			require.NoError(t, r.Append(record(1, "one")))
			time.Sleep(retryReset)
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" && c.name == FileName {
					return 0, unix.EIO
				}
				return c.bytes, nil
			})
			require.ErrorIs(t, r.Append(record(1, "refused")), unix.EIO)
			synctest.Wait()
			assert.NoError(t, r.Healthy(), "after a minute without a failure, the next one is the first again")
		})
	})
}

// Each step of beginning a fresh file may fail, and is tried again.
func TestRecoveryFailsAndIsTriedAgain(t *testing.T) {
	file := func(name string) bool { return name == FileName }
	probe := func(name string) bool { return name == FileName+".probe" }
	all := func(string) bool { return true }
	for _, step := range []struct {
		name, op string
		on       func(name string) bool
		counted  string
	}{
		{"renaming the file", "rename", all, opRename},
		{"opening the probe", "open", probe, opWrite},
		{"syncing the probe", "datasync", probe, opWrite},
		{"closing the probe", "close", probe, opWrite},
		{"opening the file", "open", file, opOpen},
		{"asking for its identity", "stat", file, opOpen},
		{"syncing the directory", "sync", all, opOpen},
	} {
		t.Run(step.name, func(t *testing.T) {
			eachWaitingMode(t, func(t *testing.T, cfg Config) {
				withFaults(t, cfg, func(r *rig) {
					require.NoError(t, r.Append(record(1, "good")))
					r.fs.set(func(c call) (int, error) {
						if c.op == "writev" && c.name == FileName || c.op == step.op && step.on(c.name) {
							return 0, unix.EIO
						}
						return c.bytes, nil
					})
					require.ErrorIs(t, r.Append(record(1, "refused")), metric.ErrFailed)
					synctest.Wait()
					require.ErrorIs(t, r.Healthy(), metric.ErrFailed)
					assert.GreaterOrEqual(t, r.errors(step.counted), 1.0)
					require.ErrorIs(t, r.Reopen(), unix.EIO, "Reopen tries at once")
					r.fs.set(nil)
					time.Sleep(2 * retryMin)
					synctest.Wait()
					require.NoError(t, r.Append(record(1, "fresh")))
					assert.Equal(t, "fresh\n", contents(t, cfg.Dir, FileName))
					aside := beside(t, cfg.Dir, "failed-")
					require.Len(t, aside, 1)
					assert.Equal(t, "good\n", contents(t, aside[0]))
				})
			})
		})
	}
}

func TestReopenHealsAFailedJournal(t *testing.T) {
	eachWaitingMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			r.fs.set(fullDisk)
			require.Error(t, r.Append(record(1, "refused")))
			synctest.Wait()
			require.Error(t, r.Healthy())
			r.fs.set(nil)
			require.NoError(t, r.Reopen())
			require.NoError(t, r.Healthy())
			require.NoError(t, r.Append(record(1, "one")))
			time.Sleep(time.Hour) // no retry that was still due does harm
			require.NoError(t, r.Append(record(1, "two")))
			assert.Equal(t, "one\ntwo\n", contents(t, cfg.Dir, FileName))
		})
	})
}

func TestCloseWhileFailing(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			require.NoError(t, r.Append(record(1, "good")))
			time.Sleep(time.Second)
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" || c.op == "rename" {
					return 0, unix.EIO
				}
				return c.bytes, nil
			})
			_ = r.Append(record(1, "refused", "too"))
			time.Sleep(time.Second)
			assert.ErrorIs(t, r.Close(context.Background()), unix.EIO)
			assert.ErrorIs(t, r.Append(record(1, "late")), metric.ErrClosed)
			time.Sleep(time.Hour)
			if cfg.Ack == Memory {
				r.lost(2)
			}
			r.fs.set(nil)
			mustClose(t, mustOpen(t, cfg)) // the directory was given up
			assert.Equal(t, "good\n", contents(t, cfg.Dir, FileName))
		})
	})
}

// What was acknowledged from memory after the group that failed waits for the fresh file.
func TestMemoryKeepsWhatDidNotFail(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Ack: Memory}
	withFaults(t, cfg, func(r *rig) {
		release := make(chan struct{})
		r.fs.set(func(c call) (int, error) {
			if c.op == "writev" {
				<-release
				return 0, unix.EIO
			}
			return c.bytes, nil
		})
		require.NoError(t, r.Append(record(1, "lost", "lost")))
		time.Sleep(DefaultLinger)
		synctest.Wait() // in the write
		require.NoError(t, r.Append(record(1, "kept")))
		close(release)
		synctest.Wait()
		require.ErrorIs(t, r.Append(record(1, "refused")), metric.ErrFailed)
		r.fs.set(nil)
		time.Sleep(retryMin)
		synctest.Wait()
		require.NoError(t, r.Append(record(1, "fresh")))
		mustClose(t, r.Journal)
		assert.Equal(t, "kept\nfresh\n", contents(t, cfg.Dir, FileName))
		r.lost(2)
	})
}

func TestCloseFailsWithWhatItCouldNotWrite(t *testing.T) {
	for _, op := range []string{"writev", "datasync", "close"} {
		t.Run(op, func(t *testing.T) {
			cfg := Config{Dir: t.TempDir(), Ack: Memory}
			withFaults(t, cfg, func(r *rig) {
				require.NoError(t, r.Append(record(1, "one")))
				r.fs.set(on(op, FileName, 0, unix.EIO))
				assert.ErrorIs(t, r.Close(context.Background()), unix.EIO)
				r.lost(map[string]int{"writev": 1}[op])
			})
		})
	}
}

func TestCloseKeepsItsDeadline(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			release := make(chan struct{})
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" {
					<-release
				}
				return c.bytes, nil
			})
			appended := make(chan error, 1)
			go func() { appended <- r.Append(record(1, "one")) }()
			time.Sleep(DefaultLinger)
			synctest.Wait()
			// The direct writer's lock is held across the write, and waiting for a lock does not let the
			// bubble's clock run: the deadline is a cancellation.
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			assert.ErrorIs(t, r.Close(ctx), context.Canceled)
			close(release)
			assert.NoError(t, <-appended)
			mustClose(t, r.Journal)
			assert.Equal(t, "one\n", contents(t, cfg.Dir, FileName))
		})
	})
}
