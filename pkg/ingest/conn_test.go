package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"metricstream/engines/custom"
	"metricstream/pkg/metric"
)

// wireConn is a connection of which only the reading side is used.
type wireConn struct {
	net.Conn
	io.Reader
}

func (c wireConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func newReads() *sync.Pool { return &sync.Pool{New: func() any { return new(readBuffer) }} }

// FuzzChunks compares the decoder of chunked bodies with net/http's. What ours takes, that one takes, for the same bytes,
// and both end at the same place. What ours refuses, that one refuses too, but for what it is known to be lax about:
//   - it ends a line at a bare LF, and cuts white space off before it;
//   - it takes any byte in an extension, and has another bound on all extensions together;
//   - it leaves the trailer section to its caller.
func FuzzChunks(f *testing.F) {
	for _, seed := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET", "5;a=b\r\nhello\r\n1;c\r\n!\r\n000\r\nX: y\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5 ;a\r\nhello\r\n0\r\n\r\n",
		"5\r\nhello\r\n0\r\n", "5\r\nhello", "ffffffffffffffff\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n", "5;\x00\r\nhello\r\n0\r\n\r\n",
		"5\r\nhello\n0\r\n\r\n", "00000000000000005\r\nhello\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\nAuthorization: x\r\n\r\n", "0\r\nX: y\n\r\n", ";\r\n\r\n",
	} {
		f.Add([]byte(seed), 1)
		f.Add([]byte(seed), 1<<20)
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, wire []byte, piece int) {
		unsent := bytes.NewReader(wire)
		piece = max(1, piece&0xffff)
		c := newConn(wireConn{nil, readerFunc(func(p []byte) (int, error) { return unsent.Read(p[:min(len(p), piece)]) })}, newReads())
		c.phase = headGiven
		c.frame(unknown)
		body, _, err := c.readBody(newBufferPool(limit), limit)
		end := len(wire) - unsent.Len() - (c.w - c.r)

		source := bytes.NewReader(wire)
		buffered := bufio.NewReader(source)
		want, oracle := io.ReadAll(httputil.NewChunkedReader(buffered))
		dataEnd := len(wire) - source.Len() - buffered.Buffered()
		if err == nil {
			require.NoError(t, oracle, "taken: %q", wire)
			require.Equal(t, string(want), string(body), "%q", wire)
			trailers := string(wire[dataEnd:end])
			require.True(t, trailers == "\r\n" || strings.Index("\r\n"+trailers, "\r\n\r\n") == len(trailers)-2, "the trailer section is %q", trailers)
			require.False(t, c.unread())
			return
		}
		require.True(t, c.unread(), "what follows a body that is not understood is not a request")
		if oracle != nil {
			return
		}
		var malformed malformedBody
		switch {
		case dataEnd <= end && end > 0: // in the trailer section
		case errors.As(err, &malformed):
			require.Contains(t, []malformedBody{
				"something other than an extension follows the size of a chunk",
				"there is a control character between the chunks",
				"there is a CR without LF between the chunks",
				errTooMuchExtra,
			}, malformed, "%q", wire)
		default:
			t.Errorf("%v: %q", err, wire)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Nothing of a request is in use any more when the handler has returned: not the part of the read buffer
// that was its body, nor a buffer that went back to a pool. What has not been given out is another request's, and stays.
func TestBodiesAreDeadAfterTheHandler(t *testing.T) {
	const (
		body = `{"metrics":[{"name":"a","value":1,"type":"gauge","timestamp":0,"tags":{"k":"v"}}]}`
		line = `{"timestamp":"1970-01-01T00:00:00.000Z","name":"a","value":1,"type":"gauge","tags":{"k":"v"}}` + "\n"
	)
	var sink keep
	h, err := New(Config{NewDecoder: func() metric.Decoder { return custom.New() }, Ack: "memory", MaxBodyBytes: 1 << 20, MaxHeaderBytes: 4 << 10},
		&sink, nil, nil, nil)
	require.NoError(t, err)
	server := h.HTTPServer()
	handled := 0
	server.http.Handler = func(ctx *fasthttp.RequestCtx) {
		h.Handle(ctx)
		handled++
		if c := ctx.Conn().(*conn); c.buf != nil {
			poison(c.buf[:c.r])
			poison(c.buf[c.w:])
		}
		var taken []*buffer
		for _, size := range h.buffers.sizes {
			buf := h.buffers.get(size)
			poison(buf.b[:cap(buf.b)])
			taken = append(taken, buf)
		}
		for _, buf := range taken {
			h.buffers.put(buf)
		}
	}
	large := body + strings.Repeat(" ", 50000)
	wire := ""
	for range 5 {
		for _, framed := range []string{
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
			fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n2\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", body[:2], len(body)-2, body[2:]),
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(large), large),
		} {
			wire += "POST /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\n" + framed
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	go func() { _, _ = io.WriteString(client, wire) }()
	answers := bufio.NewReader(client)
	for range 15 {
		resp, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		require.Equal(t, 202, resp.StatusCode)
	}
	require.NoError(t, client.Close())
	require.NoError(t, server.Shutdown(context.Background()))
	require.NoError(t, <-done)
	assert.Equal(t, 15, handled)
	assert.Equal(t, strings.Repeat(line, 15), string(sink))
}

func poison(b []byte) {
	for i := range b {
		b[i] = 'X'
	}
}

// keep is a sink for one connection.
type keep []byte

func (k *keep) Append(r metric.Record) error {
	*k = append(*k, r.Lines...)
	return nil
}

// A connection that waits holds no read buffer, between requests, in a head, and in a body; one with bytes to give out holds it.
func TestWaitingHoldsNoBuffer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	accepted, err := listener{ln, newReads()}.Accept()
	require.NoError(t, err)
	defer accepted.Close()
	c, p := accepted.(*conn), make([]byte, 4096)
	waits := func(want string) {
		t.Helper()
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		n, err := c.Read(p)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "%q", p[:n])
		require.Nil(t, c.buf, want)
	}
	read := func(want string) {
		t.Helper()
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		n, err := c.Read(p)
		require.NoError(t, err)
		require.Equal(t, want, string(p[:n]))
	}
	waits("at the beginning")
	_, _ = io.WriteString(client, "\r\nPOST / HTTP/1.1\r")
	read("\r\nPOST / HTTP/1.1\r")
	waits("in a head")
	_, _ = io.WriteString(client, "\n\r\nbody")
	read("\n\r\n")
	require.NotNil(t, c.buf)
	c.frame(6)
	waits("in a body")
	_, _ = io.WriteString(client, "++GET / HTTP/1.1\n\n+")
	read("GET / HTTP/1.1\n\n")
	_, err = c.Read(p)
	require.Equal(t, errHeadEnd, err, "fasthttp wants more of a head that has ended")
	c.frame(unknown)
	_, err = c.Read(p)
	require.Equal(t, errUnread, err, "the body was not read")
	require.NoError(t, client.Close())
	_, _, err = c.readBody(newBufferPool(1), 1)
	require.Equal(t, malformedBody("the size of a chunk is not a hexadecimal number"), err)
	require.Equal(t, io.EOF, c.fill())
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.fill(), net.ErrClosed)

	require.NoError(t, ln.Close())
	_, err = listener{ln, nil}.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// Memory for a body follows what has arrived.
func TestBodyMemory(t *testing.T) {
	const limit = 1 << 20
	for _, size := range []int{1, 3000, 16<<10 + 1, 100 << 10, limit} {
		for _, piece := range []int{1 << 10, 64 << 10} {
			held, sent := 0, 0
			c := newConn(wireConn{nil, readerFunc(func(p []byte) (int, error) {
				n := min(len(p), piece, size-sent)
				sent += n
				return n, nil
			})}, newReads())
			c.phase = headGiven
			c.frame(size)
			body, buf, err := c.readBody(newBufferPool(limit), limit)
			require.NoError(t, err)
			require.Len(t, body, size)
			if buf != nil {
				held = cap(buf.b)
			}
			assert.LessOrEqual(t, held, max(smallestBuffer, bufferGrowth*size))
			assert.Equal(t, size <= min(piece, len(readBuffer{})), buf == nil, "a body of %d bytes in pieces of %d is copied, or not", size, piece)
		}
	}
}
