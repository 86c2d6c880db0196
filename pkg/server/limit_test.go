package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

const refusalText = "HTTP/1.1 503 Service Unavailable\r\nX-Correlation-ID: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfull"

func testLimit(t *testing.T, total, perIP int) *connLimit {
	t.Helper()
	l, err := newConnLimit(total, perIP, func(dst []byte) []byte { return append(dst, refusalText...) },
		slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	return l
}

// startLimited serves "ok" under l and returns the address.
func startLimited(t *testing.T, l *connLimit) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &fasthttp.Server{
		Handler:     func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("ok") },
		Concurrency: 1 << 20,
	}
	done := make(chan error)
	go func() { done <- srv.Serve(l.wrap(ln)) }()
	t.Cleanup(func() {
		l.closeAll()
		require.NoError(t, srv.Shutdown())
		require.NoError(t, <-done)
	})
	return ln.Addr().String()
}

// dial opens a connection and makes one request on it, so that the server has surely accepted it.
func dial(t *testing.T, addr string) (c net.Conn, status int) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	// A refused connection may be closed before the request is sent whole; its answer is there to be read all the same.
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err, "every client reads an answer, admitted or not")
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == http.StatusServiceUnavailable {
		assert.NotEmpty(t, resp.Header.Get("X-Correlation-ID"))
	}
	return c, resp.StatusCode
}

func TestConnectionsOverTheTotalAreAnswered(t *testing.T) {
	l := testLimit(t, 2, 0)
	addr := startLimited(t, l)

	first, status := dial(t, addr)
	require.Equal(t, 200, status)
	_, status = dial(t, addr)
	require.Equal(t, 200, status)
	for range 3 {
		_, status = dial(t, addr)
		assert.Equal(t, 503, status, "the third connection is one too many")
	}
	assert.Equal(t, 2, l.open())
	assert.EqualValues(t, 3, testutil.ToFloat64(l.refused.WithLabelValues("total")))

	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { return l.open() == 1 }, 5*time.Second, time.Millisecond, "a closed connection is counted out")
	_, status = dial(t, addr)
	assert.Equal(t, 200, status, "the place of a closed connection is free")
}

func TestConnectionsOverTheLimitOfOneAddressAreAnswered(t *testing.T) {
	l := testLimit(t, 0, 1)
	addr := startLimited(t, l)

	first, status := dial(t, addr)
	require.Equal(t, 200, status)
	_, status = dial(t, addr)
	assert.Equal(t, 503, status)
	assert.EqualValues(t, 1, testutil.ToFloat64(l.refused.WithLabelValues("per_ip")))

	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { return l.open() == 0 }, 5*time.Second, time.Millisecond)
	assert.Empty(t, l.hosts, "an address without connections is forgotten")
}

// fasthttp hands a hijacked connection to another goroutine, and closes it there.
func TestHijackedConnectionsCountUntilTheyEnd(t *testing.T) {
	l := testLimit(t, 0, 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	end := make(chan struct{})
	srv := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.Hijack(func(net.Conn) { <-end }) }}
	done := make(chan error)
	go func() { done <- srv.Serve(l.wrap(ln)) }()
	_, status := dial(t, ln.Addr().String())
	assert.Equal(t, 200, status)
	assert.Equal(t, 1, l.open(), "it counts while its goroutine holds it")
	close(end)
	require.Eventually(t, func() bool { return l.open() == 0 }, 5*time.Second, time.Millisecond)
	require.NoError(t, srv.Shutdown())
	require.NoError(t, <-done)
}

func TestHostOfAnAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:80":              "192.0.2.1/32",
		"[::ffff:192.0.2.1]:80":     "192.0.2.1/32",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":         "fe80::/64",
	} {
		assert.Equal(t, netip.MustParsePrefix(want), host(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))), addr)
	}
	assert.Equal(t, netip.Prefix{}, host(&net.UnixAddr{}), "what is no IP counts as one")
	assert.Equal(t, netip.Prefix{}, host(&net.TCPAddr{}))
}

// Refusing more connections at once than there are goroutines for it still answers and closes each.
func TestRefusalsBeyondTheGoroutinesForThem(t *testing.T) {
	l := testLimit(t, 1, 0)
	for range maxRefusing {
		l.refusing <- struct{}{}
	}
	server, client := tcpPair(t)
	l.refuse(server)
	answer, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.Equal(t, refusalText, string(answer))
}

// net/http's client drops an answer that comes before its request, so the request comes first;
// but a client that sends nothing is answered too.
func TestRefusalAwaitsTheRequest(t *testing.T) {
	l := testLimit(t, 1, 0)
	server, client := tcpPair(t)
	l.refuse(server)
	require.NoError(t, client.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "nothing comes before the request")
	require.NoError(t, client.SetReadDeadline(time.Now().Add(30*time.Second)))
	answer, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.Equal(t, refusalText, string(answer), "a silent client is answered at last")
}

// A client that never stops sending does not hold its refusal.
func TestRefusalEndsThoughTheClientGoesOn(t *testing.T) {
	l := testLimit(t, 1, 0)
	server, client := tcpPair(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := client.Write(chunk); err != nil {
				close(stop)
				return
			}
		}
	})
	l.refuse(server)
	select {
	case <-stop:
	case <-time.After(30 * time.Second):
		t.Error("the connection is still open; want it closed")
		client.Close()
	}
	wg.Wait()
	require.Eventually(t, func() bool { return len(l.refusing) == 0 }, 5*time.Second, time.Millisecond, "the goroutine ends")
}

func tcpPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	server, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	return server, client
}

// failingListener fails its first accepts with err.
type failingListener struct {
	net.Listener
	mu       sync.Mutex
	failures int
	err      error
}

func (ln *failingListener) Accept() (net.Conn, error) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.failures != 0 {
		ln.failures--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", ln.err)}
	}
	return ln.Listener.Accept()
}

func TestAcceptOutlivesAWantOfDescriptors(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var log strings.Builder
	l := testLimit(t, 0, 0)
	l.log = slog.New(slog.NewTextHandler(&log, nil))
	ln := l.wrap(&failingListener{Listener: inner, failures: 3, err: syscall.EMFILE})
	defer ln.Close()

	client, err := net.Dial("tcp", inner.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	c, err := ln.Accept()
	require.NoError(t, err, "three failures for want of descriptors are waited out")
	defer c.Close()
	assert.Equal(t, 1, strings.Count(log.String(), "cannot accept connections"), "logged once, not each time:\n%s", &log)
	assert.Contains(t, log.String(), "accepting connections again")
}

func TestAcceptEndsWithTheListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ln := testLimit(t, 0, 0).wrap(&failingListener{Listener: inner, failures: -1, err: syscall.ENFILE})
	done := make(chan error)
	go func() {
		_, err := ln.Accept()
		done <- err
	}()
	require.NoError(t, ln.Close())
	require.ErrorIs(t, <-done, net.ErrClosed, "Close ends an Accept that waits for its next try")

	inner, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer inner.Close()
	_, err = testLimit(t, 0, 0).wrap(&failingListener{Listener: inner, failures: 1, err: syscall.EBADF}).Accept()
	assert.ErrorIs(t, err, syscall.EBADF, "an error that will not pass is returned")
}

func TestAConnectionIsCountedOutOnce(t *testing.T) {
	l := testLimit(t, 2, 2)
	first, peer := tcpPair(t)
	second, _ := tcpPair(t)
	a, _ := l.admit(first)
	b, _ := l.admit(second)
	require.NotNil(t, a)
	require.NotNil(t, b)
	require.NoError(t, a.CloseWrite())
	_, err := peer.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF, "the peer sees the end of the stream")
	assert.Equal(t, 2, l.open(), "a connection closed on one side counts")
	require.NoError(t, a.Close())
	require.Error(t, a.Close())
	assert.Equal(t, 1, l.open())
	assert.Equal(t, 1, l.hosts[b.from])

	in, _ := net.Pipe()
	piped, _ := l.admit(in)
	require.NotNil(t, piped)
	assert.ErrorIs(t, piped.CloseWrite(), errors.ErrUnsupported)
	_, err = piped.SyscallConn()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = b.SyscallConn()
	assert.NoError(t, err)
	l.closeAll()
	assert.Equal(t, 0, l.open())
	assert.Empty(t, l.hosts)
}

func TestTwoLimitsOnOneRegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	_, err := newConnLimit(1, 1, nil, slog.Default(), reg)
	require.NoError(t, err)
	_, err = newConnLimit(1, 1, nil, slog.Default(), reg)
	assert.Error(t, err, "metrics of two servers do not mix unnoticed")
}
