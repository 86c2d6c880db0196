package journal

import "golang.org/x/sys/unix"

// startWriteback does not wait, and so neither reports nor consumes an error of writing back: that stays for a sync.
// Its own errors say that a file system knows no such advice.
func (f osFile) startWriteback(offset, n int64) {
	_ = unix.SyncFileRange(f.fd, offset, n, unix.SYNC_FILE_RANGE_WRITE)
}

func (f osFile) dropCache(offset, n int64) {
	_ = unix.Fadvise(f.fd, offset, n, unix.FADV_DONTNEED)
}
