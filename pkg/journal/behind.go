package journal

// A file that only grows takes fresh pages of the page cache for everything written, and the first touch of a page
// costs several times what the service does for the metrics on it. behind has the kernel write them to the disk
// soon, and gives back those that are there, so that the same pages serve again and again. The file stays append-only,
// and readable: what is read again comes from the disk.
//
// It only advises. A disk that does not keep up leaves the pages dirty, they stay in the cache, and nothing waits.
const (
	writebackChunk = 1 << 20  // begun at once: enough for the disk to be efficient, too little to be felt
	cachedTail     = 32 << 20 // stays in the cache, for the disk to finish with and for readers at the file's end
)

type behind struct {
	end     int64 // of the file
	started int64 // up to here writing back was begun
	dropped int64 // up to here pages were given back
}

// startBehind begins at the end of a file; what is before it is not ours to drop.
func startBehind(end int64) behind { return behind{end, end, end} }

// wrote notes that f grew by n bytes.
func (b *behind) wrote(f file, n int) {
	b.end += int64(n)
	if b.end-b.started < writebackChunk {
		return
	}
	f.startWriteback(b.started, b.end-b.started)
	b.started = b.end
	if until := b.end - cachedTail; until > b.dropped {
		f.dropCache(b.dropped, until-b.dropped)
		b.dropped = until
	}
}
