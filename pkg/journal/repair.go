package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// repaired returns f without a torn last line: what follows the last line break is copied aside, and cut off.
// When that cannot be done (a full disk has no room for the copy), the whole file is renamed aside, which needs none,
// and a fresh one is returned: a torn line is no reason to refuse service. On an error f is closed.
func (s *store) repaired(f file) (file, error) {
	size, torn, err := s.cutTornLine(f)
	if err == nil {
		if torn != "" {
			s.m.repairs.Inc()
			s.log.Warn("the journal's last line was torn: moved it aside", "path", torn, "bytes", size)
		}
		return f, nil
	}
	s.m.repairs.Inc()
	s.m.errors.WithLabelValues(opRepair).Inc()
	whole := s.asideName("torn")
	s.log.Error("cannot repair the journal's file: moving all of it aside", "error", err, "path", whole)
	_ = f.Close() // nothing was written to it
	if err := s.fs.rename(s.path, whole); err != nil {
		return nil, err
	}
	return s.fs.open(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND)
}

// cutTornLine moves what follows the last line break of f into a file of its own,
// and returns that file's name and size; the name is empty if there was nothing to move.
// A crash on the way leaves the torn line in both places, never in none.
func (s *store) cutTornLine(f file) (size int64, aside string, err error) {
	id, err := f.Stat()
	if err != nil || !id.Mode().IsRegular() {
		return 0, "", err
	}
	end, err := endOfLines(f, id.Size())
	if err != nil || end == id.Size() {
		return 0, "", err
	}
	aside, size = s.asideName("torn"), id.Size()-end
	if err := s.copyAside(aside, io.NewSectionReader(f, end, size)); err != nil {
		return 0, "", fmt.Errorf("cannot copy the torn line to %s: %w", aside, err)
	}
	if err := f.Truncate(end); err != nil {
		return 0, "", fmt.Errorf("cannot cut the torn line off: %w", err)
	}
	return size, aside, f.datasync()
}

// copyAside writes what r reads to a new file, so that it survives the loss of power.
func (s *store) copyAside(path string, r io.Reader) error {
	f, err := s.fs.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	if _, err = io.Copy(appender{f}, r); err == nil {
		err = f.datasync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(s.fs, s.dir)
}

// appender makes a file an io.Writer.
type appender struct{ file }

func (a appender) Write(p []byte) (int, error) {
	if err := writeAll(a.file, [][]byte{p}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// tailChunk is how much of a file's end is looked at in one read: a torn line may be as long as the largest body.
const tailChunk = 64 << 10

// endOfLines returns the offset after the last line break within the first size bytes of r.
func endOfLines(r io.ReaderAt, size int64) (int64, error) {
	var last [1]byte // nearly always all that must be read
	if size == 0 {
		return 0, nil
	}
	if _, err := r.ReadAt(last[:], size-1); err != nil {
		return 0, fmt.Errorf("cannot read the last line: %w", err)
	}
	if last[0] == '\n' {
		return size, nil
	}
	buf := make([]byte, min(size, tailChunk))
	for end := size; end > 0; {
		n := min(end, tailChunk)
		if _, err := r.ReadAt(buf[:n], end-n); err != nil {
			return 0, fmt.Errorf("cannot read the last line: %w", err)
		}
		end -= n
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return end + int64(i) + 1, nil
		}
	}
	return 0, nil
}
