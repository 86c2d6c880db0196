package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"metricstream/pkg/metric"
)

const (
	// checkEvery bounds how often the path is looked at, and so how long lines go to a file that is no longer there.
	checkEvery = time.Second

	// After a failure a fresh file is begun at once; after another one soon after, with these pauses between the
	// attempts, doubled each time. Without them a full disk would be hammered, and could fill its directory with
	// files moved aside, one for each moment in which it took a little.
	retryMin   = time.Second
	retryMax   = 30 * time.Second
	retryReset = time.Minute // so long without a failure, and the next one counts as the first
)

// store is the journal's file and all that can befall it. It is not safe for concurrent use:
// the grouped writer's goroutine owns it, or the direct writer's lock guards it.
type store struct {
	fs        filesystem
	dir       string
	path      string
	syncs     bool // sync each group
	promised  bool // what is written was acknowledged before
	probeSize int  // so much must be written before a disk that failed is trusted again
	log       *slog.Logger
	m         *metrics
	lock      *os.File // held, so that no other process writes here

	f       file        // nil from a failure until a fresh file is begun
	failure error       // why f is nil
	id      os.FileInfo // of f, to tell it from what the path names later
	behind  behind      // of f
	holds   bool        // f may hold something that was acknowledged
	checked time.Time   // when the path was last looked at

	failed     file // failed, and not yet out of the way; open, so that its inode number is not given to another
	failedID   os.FileInfo
	failedHeld bool
	failedAt   time.Time
	pause      time.Duration
	retryAt    time.Time // when the next attempt to begin a fresh file is due
}

func openStore(cfg Config, fsys filesystem, log *slog.Logger, m *metrics) (*store, error) {
	s := &store{
		fs: fsys, dir: cfg.Dir, path: filepath.Join(cfg.Dir, FileName),
		syncs: cfg.Ack == Synced, promised: cfg.Ack == Memory, probeSize: cfg.GroupBytes, log: log, m: m,
	}
	if err := makeDir(fsys, s.dir); err != nil {
		return nil, err
	}
	var err error
	if s.lock, err = lockDir(s.dir); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// makeDir creates dir and what is missing above it, so that they survive the loss of power.
func makeDir(fsys filesystem, dir string) error {
	err := os.Mkdir(dir, 0o755)
	switch parent := filepath.Dir(dir); {
	case err == nil:
		return syncDir(fsys, parent)
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist) && parent != dir:
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
		return makeDir(fsys, dir)
	}
	return err
}

// lockDir takes the lock of the data directory. The kernel drops it with the process, however that ends.
// The lock is a file of its own because the journal's file gives way to others while the process lives.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, FileName+".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errors.New("another process is using this data directory")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

// open opens the path, moves a torn last line aside, and makes the directory's entry survive the loss of power.
// On an error the store is as it was.
func (s *store) open() error {
	f, err := s.fs.open(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	if f, err = s.repaired(f); err != nil {
		return err
	}
	id, err := f.Stat()
	if err == nil {
		err = syncDir(s.fs, s.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.f, s.failure = f, nil
	s.id, s.holds, s.checked = id, id.Size() > 0, time.Now()
	s.behind = startBehind(id.Size())
	return nil
}

// reopen puts what the path names now in the place of the open file. On an error the open file stays in use.
func (s *store) reopen() error {
	if err := s.swap(); err != nil {
		s.m.errors.WithLabelValues(opOpen).Inc()
		return fmt.Errorf("cannot reopen the journal: %w", err)
	}
	return nil
}

func (s *store) swap() error {
	old := s.f
	if err := s.open(); err != nil {
		return err
	}
	// No sync: what was acknowledged as synced is, and for the rest nothing more was promised.
	if err := old.Close(); err != nil {
		s.m.errors.WithLabelValues(opClose).Inc()
		s.log.Error("the journal's old file was not closed properly", "error", err)
	}
	return nil
}

// check notices, at most once in checkEvery, that the file was renamed or deleted, and begins another.
// That failing is a failure as that of a write is: what would be written now, nobody would find.
func (s *store) check(now time.Time) error {
	if now.Sub(s.checked) < checkEvery {
		return nil
	}
	s.checked = now
	found, err := os.Stat(s.path)
	if err == nil && os.SameFile(found, s.id) {
		return nil
	}
	s.log.Warn("the journal's file is no longer at its path: opening the path again", "path", s.path)
	if err := s.swap(); err != nil {
		err = s.fail(opOpen, err)
		s.forget() // it is in nobody's way, and nothing is wrong with it should it come back
		return err
	}
	return nil
}

// commit writes one group, n bytes in bufs, which it consumes, and syncs it if syncs says so.
// After an error there is no file until recover has begun one.
func (s *store) commit(bufs [][]byte, n int) error {
	start := time.Now()
	if err := writeAll(s.f, bufs); err != nil {
		s.holds = s.holds || s.promised && s.grew()
		return s.fail(opWrite, err)
	}
	written := time.Now()
	s.m.writeSeconds.Observe(written.Sub(start).Seconds())
	if s.syncs {
		if err := s.f.datasync(); err != nil {
			return s.fail(opSync, err)
		}
		s.m.syncSeconds.Observe(time.Since(written).Seconds())
	}
	s.behind.wrote(s.f, n)
	s.holds = true
	s.m.writtenBytes.Add(float64(n))
	return nil
}

// grew reports whether the file has more than commits put there: a part of a group whose write failed.
func (s *store) grew() bool {
	info, err := s.f.Stat()
	return err != nil || info.Size() > s.behind.end
}

// fail gives the file up. After a failed sync Linux counts the pages that it could not write as clean,
// so that a second sync would succeed without them; after a failed write, part of a group may be at the file's end.
func (s *store) fail(op string, cause error) error {
	s.m.errors.WithLabelValues(op).Inc()
	s.failed, s.failedID, s.failedHeld = s.f, s.id, s.holds
	s.f = nil
	s.failure = fmt.Errorf("%w: cannot %s %s: %w", metric.ErrFailed, op, s.path, cause)
	s.postpone()
	s.log.Error("the journal's file failed", "op", op, "path", s.path, "error", cause)
	return s.failure
}

// postpone sets the time of the next attempt after a failure.
func (s *store) postpone() {
	now := time.Now()
	if s.failedAt.IsZero() || now.Sub(s.failedAt) >= retryReset {
		s.pause = 0
	} else {
		s.pause = min(max(2*s.pause, retryMin), retryMax)
	}
	s.failedAt = now
	s.retryAt = now.Add(s.pause)
}

// recover moves the failed file aside and begins a fresh one, if the disk takes data again.
func (s *store) recover() error {
	op, err := opRename, s.setAside()
	if err == nil {
		op, err = opWrite, s.probe()
	}
	if err == nil {
		op, err = opOpen, s.open()
	}
	if err != nil {
		s.m.errors.WithLabelValues(op).Inc()
		s.failure = fmt.Errorf("%w: cannot begin a fresh file after a failure: %w", metric.ErrFailed, err)
		s.postpone()
		s.log.Error("the journal's storage is still failing", "error", err, "retry_in", s.pause.String())
		return s.failure
	}
	s.forget() // not before: gone from its path, it might have come back
	s.log.Info("the journal has begun a fresh file", "path", s.path)
	return nil
}

// setAside renames the failed file, unless somebody else has done that already. A file that holds nothing but
// what was refused is removed instead, lest a full disk that takes a file but no group leaves one for each attempt.
func (s *store) setAside() error {
	if s.failed == nil {
		return nil
	}
	found, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !os.SameFile(found, s.failedID):
	case !s.failedHeld:
		if err := os.Remove(s.path); err != nil {
			return err
		}
	default:
		aside := s.asideName("failed")
		if err := s.fs.rename(s.path, aside); err != nil {
			return err
		}
		s.log.Warn("the failed file was moved aside", "path", aside)
	}
	return nil
}

// forget closes the failed file. It has failed already: there is nothing that another error could add.
func (s *store) forget() {
	if s.failed != nil {
		_ = s.failed.Close()
		s.failed = nil
	}
}

// probe finds out whether the disk takes a group, without an Append to try it with: while the service says that it
// is not ready, nobody may be sending it any.
func (s *store) probe() error {
	path := s.path + ".probe"
	f, err := s.fs.open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	err = writeAll(f, [][]byte{make([]byte, s.probeSize)})
	if err == nil {
		err = f.datasync()
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}

// asideName returns a free name beside the journal's file. Under the directory's lock, nobody else takes it.
func (s *store) asideName(why string) string {
	base := s.path + "." + why + "-" + time.Now().UTC().Format("20060102T150405.000Z")
	for n, name := 1, base; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

// close syncs and closes the file, and gives the directory up. Without a file, it says why there is none.
func (s *store) close() error {
	err := s.failure
	if s.f != nil {
		if err = s.f.datasync(); err != nil {
			s.m.errors.WithLabelValues(opSync).Inc()
			err = fmt.Errorf("cannot sync %s: %w", s.path, err)
		}
		err = errors.Join(err, s.f.Close())
	} else {
		err = errors.Join(err, s.setAside())
		s.forget()
	}
	return errors.Join(err, s.lock.Close())
}
