package journal

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// filesystem is what the store needs of the operating system; the tests inject faults here.
type filesystem interface {
	open(path string, flag int) (file, error)
	rename(from, to string) error
}

// file is an open file, or a directory, which is only ever synced.
type file interface {
	io.ReaderAt
	io.Closer
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
	// writev is one writev(2): it may write less than all and be interrupted.
	writev(bufs [][]byte) (int, error)
	// datasync makes what was written survive the loss of power: the data, and of the metadata what is needed to read it.
	datasync() error
	// startWriteback and dropCache are advice about a range; see behind.
	startWriteback(offset, n int64)
	dropCache(offset, n int64)
	// sync is datasync for all metadata, and the only one that a directory knows.
	Sync() error
}

type osFS struct{}

func (osFS) open(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	return osFile{f, int(f.Fd())}, nil
}

func (osFS) rename(from, to string) error { return os.Rename(from, to) }

// osFile adds to os.File the two calls that it lacks.
type osFile struct {
	*os.File
	fd int
}

func (f osFile) writev(bufs [][]byte) (int, error) {
	if len(bufs) == 1 {
		return unix.Write(f.fd, bufs[0])
	}
	return unix.Writev(f.fd, bufs)
}

// writeAll writes bufs and consumes them: what is left in them is what was not written.
// Unlike a sync, a write can be repeated: nothing was taken when it was interrupted,
// and after a short one the rest shows the cause, or succeeds.
func writeAll(f file, bufs [][]byte) error {
	for len(bufs) > 0 {
		n, err := f.writev(bufs)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n <= 0 {
			return io.ErrShortWrite // bufs are never empty: this would go on for ever
		}
		for n > 0 && n >= len(bufs[0]) {
			n -= len(bufs[0])
			bufs = bufs[1:]
		}
		if n > 0 {
			bufs[0] = bufs[0][n:]
		}
	}
	return nil
}

func syncDir(fs filesystem, dir string) error {
	d, err := fs.open(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
