package journal

import (
	"os"
	"path/filepath"
	"sync"
)

// call is one call on a file or the file system, as a fault sees it.
type call struct {
	op    string // open, rename, writev, datasync, sync, truncate, read, stat or close
	name  string // base name of the file; of a rename the new one
	bytes int    // of a writev
}

// fault decides a call: an error makes it fail, after n bytes in case of a writev;
// n below the bytes of a writev and no error make it short.
type fault func(c call) (n int, err error)

// faultFS is the real file system with a fault in front of it, and a record of the calls.
type faultFS struct {
	osFS
	mu    sync.Mutex
	fault fault
	calls []call
}

// set puts another fault in place; nil is none.
func (fs *faultFS) set(f fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.fault = f
	fs.calls = nil
}

// count returns how many calls of that op there were on files of that name since set.
func (fs *faultFS) count(op, name string) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := 0
	for _, c := range fs.calls {
		if c.op == op && c.name == name {
			n++
		}
	}
	return n
}

func (fs *faultFS) decide(c call) (int, error) {
	fs.mu.Lock()
	fs.calls = append(fs.calls, c)
	f := fs.fault
	fs.mu.Unlock()
	if f == nil {
		return c.bytes, nil
	}
	return f(c) // outside the lock: a fault may block
}

func (fs *faultFS) open(path string, flag int) (file, error) {
	if _, err := fs.decide(call{op: "open", name: filepath.Base(path)}); err != nil {
		return nil, err
	}
	f, err := fs.osFS.open(path, flag)
	if err != nil {
		return nil, err
	}
	return &faultFile{f, fs, filepath.Base(path)}, nil
}

func (fs *faultFS) rename(from, to string) error {
	if _, err := fs.decide(call{op: "rename", name: filepath.Base(to)}); err != nil {
		return err
	}
	return fs.osFS.rename(from, to)
}

type faultFile struct {
	file
	fs   *faultFS
	name string
}

func (f *faultFile) decide(op string) error {
	_, err := f.fs.decide(call{op: op, name: f.name})
	return err
}

func (f *faultFile) writev(bufs [][]byte) (int, error) {
	c := call{op: "writev", name: f.name}
	for _, b := range bufs {
		c.bytes += len(b)
	}
	allowed, err := f.fs.decide(c)
	n := 0
	for _, b := range bufs {
		b = b[:min(len(b), allowed-n)]
		if len(b) == 0 {
			break
		}
		m, e := f.file.writev([][]byte{b})
		if n += m; e != nil {
			return n, e
		}
	}
	if err != nil && n > 0 {
		return n, nil // as the kernel does: the error is for the next call
	}
	return n, err
}

func (f *faultFile) datasync() error {
	if err := f.decide("datasync"); err != nil {
		return err
	}
	return f.file.datasync()
}

func (f *faultFile) Sync() error {
	if err := f.decide("sync"); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.decide("truncate"); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.decide("read"); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, off)
}

func (f *faultFile) Stat() (os.FileInfo, error) {
	if err := f.decide("stat"); err != nil {
		return nil, err
	}
	return f.file.Stat()
}

func (f *faultFile) Close() error {
	err := f.decide("close")
	if e := f.file.Close(); e != nil {
		return e
	}
	return err
}
