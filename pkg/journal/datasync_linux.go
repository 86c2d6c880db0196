package journal

import "golang.org/x/sys/unix"

// datasync does not repeat an interrupted call, as os.File.Sync would: Linux reports an error of writing back
// once, and a call that returns EINTR may have consumed the report.
func (f osFile) datasync() error { return unix.Fdatasync(f.fd) }
