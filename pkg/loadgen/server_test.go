package loadgen

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // lives as long as the process
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2")) // notices the end after up to 10 s
}

// rawServer hands each connection to serve and closes it afterwards. It returns the server's URL.
func rawServer(t testing.TB, serve func(conn *net.TCPConn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				serve(conn.(*net.TCPConn), bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String() + "/metrics"
}

// readRequest reads one whole request and reports whether there was one.
func readRequest(r *bufio.Reader) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err == nil
}

// answer is a serve function that answers every request with the same bytes.
func answer(bytes string) func(*net.TCPConn, *bufio.Reader) {
	return func(conn *net.TCPConn, r *bufio.Reader) {
		for readRequest(r) {
			if _, err := io.WriteString(conn, bytes); err != nil {
				return
			}
		}
	}
}

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"

func netHTTPServer(t testing.TB, handler http.HandlerFunc) string {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL + "/metrics"
}

func fastHTTPServer(t testing.TB, handler fasthttp.RequestHandler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &fasthttp.Server{Handler: handler, CloseOnShutdown: true}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		assert.NoError(t, s.Shutdown())
		assert.NoError(t, <-done)
	})
	return "http://" + l.Addr().String() + "/metrics"
}

// load is a Config of a short run of the closed model.
func load(url string) Config {
	return Config{URL: url, Connections: 1, Requests: 1, Bodies: []Body{{Data: []byte("{}"), Metrics: 1}}, RequestTimeout: 10 * time.Second}
}

func byNumber(client int) []Header {
	return []Header{{"Authorization", "client-" + strconv.Itoa(client)}}
}

// requireExact fails when a request is not accounted for, or twice.
func requireExact(t testing.TB, r *Result) {
	t.Helper()
	require.Equal(t, r.Intended, r.Answered()+r.Unanswered()+r.Unsent, "intended = answered + failed + unsent: %+v", r)
	require.Equal(t, int64(r.Succeeded()), r.Latency.TotalCount(), "a latency for every success")
	require.Equal(t, int64(r.Answered()-r.Succeeded()+r.Unanswered()), r.FailureLatency.TotalCount(), "a latency for every other answer or failure")
	require.LessOrEqual(t, r.Sent, r.Intended-r.Unsent)
	require.GreaterOrEqual(t, r.Sent, r.Answered())
	for cause := range r.Failed {
		require.NotEmpty(t, r.Errors[cause], "an example of cause %s", cause)
	}
}

// above counts the values over d.
func above(h *hdrhistogram.Histogram, d time.Duration) (n int64) {
	for _, bar := range h.Distribution() {
		if bar.From > int64(d) {
			n += bar.Count
		}
	}
	return n
}

func constant(t testing.TB, rate float64) Pacer {
	p, err := NewConstant(rate)
	require.NoError(t, err)
	return p
}

func poisson(t testing.TB, rate float64, seed uint64) Pacer {
	p, err := NewPoisson(rate, seed)
	require.NoError(t, err)
	return p
}
