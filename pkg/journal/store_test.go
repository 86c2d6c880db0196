package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"metricstream/pkg/metric"
)

func TestMovedOrDeletedUnderneath(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			path := filepath.Join(cfg.Dir, FileName)
			require.NoError(t, r.Append(record(1, "one")))
			time.Sleep(checkEvery)
			require.NoError(t, os.Rename(path, path+".old"))
			require.NoError(t, r.Append(record(1, "two")))
			time.Sleep(checkEvery)
			require.NoError(t, os.Remove(path))
			require.NoError(t, r.Append(record(1, "three")))
			time.Sleep(checkEvery)
			require.NoError(t, os.WriteFile(path+".new", []byte("of another\ntorn"), 0o644))
			require.NoError(t, os.Rename(path+".new", path))
			require.NoError(t, r.Append(record(1, "four")))
			time.Sleep(DefaultLinger)
			mustClose(t, r.Journal)
			assert.Equal(t, "one\n", contents(t, path+".old"))
			assert.Equal(t, "of another\nfour\n", contents(t, path))
			assert.Equal(t, 3, strings.Count(r.log.String(), "no longer at its path"))
		})
	})
}

// A directory that goes away is a failure, not a file that nobody will find; when it is back, so is the service.
func TestDirectoryMovedUnderneath(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		cfg.Dir = filepath.Join(cfg.Dir, "data")
		withFaults(t, cfg, func(r *rig) {
			require.NoError(t, r.Append(record(1, "one")))
			time.Sleep(checkEvery)
			require.NoError(t, os.Rename(cfg.Dir, cfg.Dir+".away"))
			err := r.Append(record(1, "two"))
			time.Sleep(DefaultLinger)
			if cfg.Ack != Memory {
				require.ErrorIs(t, err, metric.ErrFailed)
				assert.ErrorIs(t, err, os.ErrNotExist)
			}
			synctest.Wait()
			require.ErrorIs(t, r.Healthy(), metric.ErrFailed)
			require.NoError(t, os.Rename(cfg.Dir+".away", cfg.Dir))
			time.Sleep(retryMax)
			require.NoError(t, r.Append(record(1, "three")))
			mustClose(t, r.Journal)
			want := "one\nthree\n"
			if cfg.Ack == Memory {
				want = "one\ntwo\nthree\n" // was acknowledged before it could be known
			}
			assert.Equal(t, want, contents(t, cfg.Dir, FileName))
		})
	})
}

// A file that failed is not used again, not even when it was out of sight while a fresh one was to be begun.
func TestFailedFileThatComesBackIsMovedAside(t *testing.T) {
	eachWaitingMode(t, func(t *testing.T, cfg Config) {
		cfg.Dir = filepath.Join(cfg.Dir, "data")
		withFaults(t, cfg, func(r *rig) {
			require.NoError(t, r.Append(record(1, "good")))
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" {
					require.NoError(t, os.Rename(cfg.Dir, cfg.Dir+".away"))
				}
				return failedWrite(c)
			})
			require.ErrorIs(t, r.Append(record(1, "refused")), metric.ErrFailed)
			synctest.Wait()
			r.fs.set(nil)
			require.NoError(t, os.Rename(cfg.Dir+".away", cfg.Dir))
			time.Sleep(retryMax)
			require.NoError(t, r.Append(record(1, "fresh")))
			assert.Equal(t, "fresh\n", contents(t, cfg.Dir, FileName))
			aside := beside(t, cfg.Dir, "failed-")
			require.Len(t, aside, 1)
			assert.Equal(t, "good\n", contents(t, aside[0]))
		})
	})
}

// A file that took the failed one's place meanwhile is not the one to be moved aside.
func TestFailedFileThatWasReplaced(t *testing.T) {
	eachWaitingMode(t, func(t *testing.T, cfg Config) {
		path := filepath.Join(cfg.Dir, FileName)
		withFaults(t, cfg, func(r *rig) {
			require.NoError(t, r.Append(record(1, "good")))
			r.fs.set(func(c call) (int, error) {
				if c.op == "writev" && c.name == FileName {
					require.NoError(t, os.Rename(path, path+".old"))
					require.NoError(t, os.WriteFile(path, []byte("of another\n"), 0o644))
				}
				if c.name == FileName {
					return failedWrite(c)
				}
				return c.bytes, nil
			})
			require.ErrorIs(t, r.Append(record(1, "refused")), metric.ErrFailed)
			synctest.Wait()
			r.fs.set(nil)
			require.NoError(t, r.Append(record(1, "fresh")))
			assert.Equal(t, "of another\nfresh\n", contents(t, path))
			assert.Equal(t, "good\n", contents(t, path+".old"))
			assert.Empty(t, beside(t, cfg.Dir, "failed-"))
		})
	})
}

func TestOldFileThatDoesNotCloseIsCounted(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		withFaults(t, cfg, func(r *rig) {
			r.fs.set(on("close", FileName, 0, unix.EDQUOT))
			assert.NoError(t, r.Reopen())
			assert.Equal(t, 1.0, r.errors(opClose))
		})
	})
}

// The kernel's own full device, behind a link.
func TestFullDevice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full")
	}
	eachWaitingMode(t, func(t *testing.T, cfg Config) {
		require.NoError(t, os.Symlink("/dev/full", filepath.Join(cfg.Dir, FileName)))
		j := mustOpen(t, cfg)
		err := j.Append(record(1, "refused"))
		require.ErrorIs(t, err, metric.ErrFailed)
		require.ErrorIs(t, err, unix.ENOSPC)
		require.Eventually(t, func() bool { return j.Healthy() == nil }, 10*time.Second, time.Millisecond)
		require.NoError(t, j.Append(record(1, "one")))
		mustClose(t, j)
		assert.Equal(t, "one\n", contents(t, cfg.Dir, FileName))
	})
}

func TestAsideNamesAreNeverTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands still
		s := &store{path: filepath.Join(t.TempDir(), FileName)}
		var names []string
		for range 3 {
			name := filepath.Base(s.asideName("failed"))
			require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(s.path), name), nil, 0o644))
			names = append(names, name)
		}
		assert.Equal(t, []string{
			"metrics.jsonl.failed-20000101T000000.000Z",
			"metrics.jsonl.failed-20000101T000000.000Z-1",
			"metrics.jsonl.failed-20000101T000000.000Z-2",
		}, names)
	})
}
