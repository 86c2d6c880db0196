package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// advised is a real file that records what the kernel is advised to do with it.
type advised struct {
	file
	started, dropped []int64 // offset, length, …
}

func (a *advised) startWriteback(offset, n int64) {
	a.started = append(a.started, offset, n)
	a.file.startWriteback(offset, n)
}

func (a *advised) dropCache(offset, n int64) {
	a.dropped = append(a.dropped, offset, n)
	a.file.dropCache(offset, n)
}

func TestPagesBehindTheTailAreGivenBackOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	require.NoError(t, os.WriteFile(path, []byte("of another time\n"), 0o644))
	real, err := osFS{}.open(path, os.O_RDWR|os.O_APPEND)
	require.NoError(t, err)
	f := &advised{file: real}
	defer f.Close()

	first := int64(len("of another time\n"))
	b := startBehind(first)
	chunk := bytes.Repeat([]byte{'x'}, 300<<10)
	written := first
	for written < first+cachedTail+8*writebackChunk {
		require.NoError(t, writeAll(f, [][]byte{chunk}))
		b.wrote(f, len(chunk))
		written += int64(len(chunk))
	}

	next := first
	for i := 0; i < len(f.started); i += 2 {
		assert.Equal(t, next, f.started[i], "writing back leaves nothing out and repeats nothing")
		assert.GreaterOrEqual(t, f.started[i+1], int64(writebackChunk))
		next += f.started[i+1]
	}
	assert.Greater(t, next, written-writebackChunk)
	next = first
	require.NotEmpty(t, f.dropped)
	for i := 0; i < len(f.dropped); i += 2 {
		assert.Equal(t, next, f.dropped[i])
		next += f.dropped[i+1]
	}
	assert.LessOrEqual(t, next, written-cachedTail, "the tail stays")
	assert.Greater(t, next, first+writebackChunk)

	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "of another time\n", string(kept[:first]))
	assert.Equal(t, int64(bytes.Count(kept, []byte{'x'})), written-first, "all of it is still there to be read")
}

func TestNothingIsAdvisedOfASmallFile(t *testing.T) {
	f := &advised{}
	b := startBehind(0)
	for range 1023 {
		b.wrote(f, 1<<10)
	}
	assert.Empty(t, f.started)
	assert.Empty(t, f.dropped)
}
