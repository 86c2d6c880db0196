//go:build !linux

package journal

func (f osFile) startWriteback(offset, n int64) {}

func (f osFile) dropCache(offset, n int64) {}
