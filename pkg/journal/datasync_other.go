//go:build !linux

package journal

// datasync is os.File.Sync, which on darwin is F_FULLFSYNC: fsync alone leaves the data in the drive's cache there.
func (f osFile) datasync() error { return f.Sync() }
