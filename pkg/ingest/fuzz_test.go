package ingest_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metricstream/pkg/ingest"
)

// FuzzHandler sends any bytes down a connection. Nothing of it may crash the service, as many requests are stored
// as are answered to be, and none that net/http would find to be cut off or misframed, nor one behind it.
func FuzzHandler(f *testing.F) {
	for _, seed := range []string{
		request(length) + good,
		request(length) + good + request(length) + good,
		request("Transfer-Encoding: chunked") + chunked(good),
		request("Transfer-Encoding: chunked") + "7e\r\n" + good + "\r\n",
		request("Transfer-Encoding: chunked") + "2;x\r\n" + good[:2] + "\r\n" + chunked(good[2:]) + request(length) + good,
		request("Transfer-Encoding: chunked") + "7e\r\n" + good + "\r\n0\r\nX: y\r\n\r\n" + request(length) + good[:99],
		request("Expect: 100-continue", length) + good,
		request("Expect: 100-continue", "Content-Length: 99999999"),
		request("Content-Encoding: gzip", "Content-Length: 3") + "\x1f\x8b\x08",
		request("Prefer: handling=lenient", "Content-Length: "+itoa(len(mixed))) + mixed,
		request(length, "Transfer-Encoding: chunked") + chunked(good),
		request(length, "Content-Type: text/plain") + good + request(length) + good,
		request(length, "X: a", " b") + good,
		head("GET /readyz?verbose HTTP/1.1", "Host: a", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
		head("POST http://a/metrics HTTP/1.0", "Authorization: x", "Connection: keep-alive", length) + good,
	} {
		f.Add([]byte(seed))
	}
	cfg := config()
	cfg.ReadTimeout, cfg.MaxBodyBytes = 2*time.Second, 64<<10
	f.Fuzz(func(t *testing.T, wire []byte) {
		sink := new(recorder)
		h, err := ingest.New(cfg, sink, nil, nil, nil)
		require.NoError(t, err)
		c := &memoryConn{wire: bytes.NewReader(wire), closed: make(chan struct{})}
		_ = h.HTTPServer().ServeConn(c)
		<-c.closed // a connection that lingers is closed later
		accepted := 0
		for r := bufio.NewReader(&c.answers); ; {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				break
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			require.NotEqual(t, http.StatusInternalServerError, resp.StatusCode, "the service failed on %q", wire)
			if resp.StatusCode == http.StatusAccepted {
				accepted++
			}
		}
		require.Len(t, sink.all(), accepted, "stored, of %q", wire)
		if whole, cut := framed(wire); cut {
			require.LessOrEqual(t, accepted, whole, "of %q", wire)
		}
	})
}

// framed returns how many whole requests net/http finds in wire, and whether it ends in, or is lost in, the body of another.
func framed(wire []byte) (whole int, cut bool) {
	for r := bufio.NewReader(bytes.NewReader(wire)); ; whole++ {
		for b, err := r.Peek(1); err == nil && (b[0] == '\r' || b[0] == '\n'); b, err = r.Peek(1) {
			_, _ = r.Discard(1) // empty lines before a request are passed over
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return whole, false
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return whole, true
		}
	}
}

// memoryConn is a connection whose peer has sent wire and then closed its side.
type memoryConn struct {
	net.Conn // nil: nothing else may be called
	wire     io.Reader
	answers  bytes.Buffer
	once     sync.Once
	closed   chan struct{}
}

func (c *memoryConn) Read(p []byte) (int, error)       { return c.wire.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error)      { return c.answers.Write(p) }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memoryConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}
