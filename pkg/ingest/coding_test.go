package ingest_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func gzipped(t testing.TB, body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// zstdStream compresses without declaring the size, as a streaming sender does.
func zstdStream(t testing.TB, body string) string {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20), zstd.WithSingleSegment(false))
	require.NoError(t, err)
	_, err = w.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())
	return b.String()
}

func zstdBlock(t testing.TB, body string) string {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return string(w.EncodeAll([]byte(body), nil))
}

func TestCodings(t *testing.T) {
	s := start(t, config(), nil)
	full := strings.Repeat(" ", maxBody-len(good)) + good // decompressed, it is just the limit
	over := " " + full
	for _, c := range []struct{ coding, name, good, full, over string }{
		{"gzip", "gzip", gzipped(t, good), gzipped(t, full), gzipped(t, over)},
		{"X-GZIP", "gzip members", gzipped(t, good[:9]) + gzipped(t, good[9:]), gzipped(t, full), gzipped(t, over) + "x"},
		{"zstd", "zstd block", zstdBlock(t, good), zstdBlock(t, full), zstdBlock(t, over)},
		{"zstd", "zstd stream", zstdStream(t, good), zstdStream(t, full), zstdStream(t, over)},
		{"zstd", "zstd small", zstdBlock(t, good), zstdBlock(t, strings.Repeat(" ", 40<<10)+good), zstdBlock(t, strings.Repeat(" ", 9<<20))},
		{"zstd", "zstd frames", zstdBlock(t, good[:9]) + zstdBlock(t, good[9:]), zstdBlock(t, full[:9]) + zstdBlock(t, full[9:]), zstdBlock(t, full) + zstdBlock(t, " ")},
		{"snappy", "snappy", string(snappy.Encode(nil, []byte(good))), string(snappy.Encode(nil, []byte(full))), string(snappy.Encode(nil, []byte(over)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 3 { // the pooled readers are used again, after errors too
				n := len(s.sink.all())
				assert.Equal(t, 202, s.post(t, c.good, "Content-Encoding", c.coding).status)
				assert.Equal(t, 202, s.post(t, c.full, "Content-Encoding", c.coding).status)
				require.Equal(t, n+2, len(s.sink.all()))
				assert.Equal(t, stored, string(s.sink.all()[n].Lines))
				r := s.post(t, c.over, "Content-Encoding", c.coding)
				assert.Equal(t, 413, r.status)
				assert.Equal(t, "body-too-large", slug(t, r))
				for cut := 1; cut < len(c.good)-1; cut += 7 {
					r := s.post(t, c.good[:cut], "Content-Encoding", c.coding)
					assert.Equal(t, 400, r.status, "%d of %d bytes", cut, len(c.good))
				}
				flipped := []byte(c.good)
				flipped[len(flipped)-2] ^= 0xff
				assert.Equal(t, 400, s.post(t, string(flipped), "Content-Encoding", c.coding).status)
				require.Equal(t, n+2, len(s.sink.all()))
			}
		})
	}
	assert.Equal(t, 202, s.post(t, good, "Content-Encoding", "identity").status)
	assert.Equal(t, 202, s.post(t, good, "Content-Encoding", " , ").status)
}

// What decompresses to a thousand times its size costs no more memory than the limit on bodies.
func TestBombs(t *testing.T) {
	cfg := config()
	cfg.MaxBodyBytes = 256 << 10
	s := start(t, cfg, nil)
	zeros := strings.Repeat("\x00", 64<<20)
	var allocated, after runtime.MemStats
	for coding, bomb := range map[string]string{
		"gzip":   gzipped(t, zeros),
		"zstd":   zstdStream(t, zeros),
		"snappy": string(binary.AppendUvarint(nil, 1<<31)) + strings.Repeat("\xfe\x01\x00", 1000),
	} {
		runtime.ReadMemStats(&allocated)
		r := s.post(t, bomb, "Content-Encoding", coding)
		runtime.ReadMemStats(&after)
		assert.Equal(t, 413, r.status, coding)
		assert.Less(t, after.TotalAlloc-allocated.TotalAlloc, uint64(8<<20), coding)
	}
}
