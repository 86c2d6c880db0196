package loadgen

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServersThatMisbehave(t *testing.T) {
	const begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"
	for name, tt := range map[string]struct {
		serve  func(*net.TCPConn, *bufio.Reader)
		status int
		cause  Cause
		text   string // in the example of the failure
	}{
		"well":       {serve: answer(accepted), status: 202},
		"chunked":    {serve: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), status: 200},
		"100 before": {serve: answer("HTTP/1.1 100 Continue\r\n\r\n" + accepted), status: 202},
		"close, said": {serve: func(c *net.TCPConn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, "HTTP/1.1 202 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}, status: 202},
		"until close":   {serve: func(c *net.TCPConn, r *bufio.Reader) { readRequest(r); io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nabc") }, status: 200},
		"garbage":       {serve: answer("\x00\x01\x02\r\n\r\n"), cause: Malformed, text: `status line "\x00\x01\x02"`},
		"answers twice": {serve: answer(accepted + accepted), cause: Malformed, text: "after its end"},
		"closes":        {serve: func(_ *net.TCPConn, r *bufio.Reader) { readRequest(r) }, cause: Closed, text: "EOF"},
		"closes inside": {serve: func(c *net.TCPConn, r *bufio.Reader) { readRequest(r); io.WriteString(c, begun) }, cause: Closed, text: "unexpected EOF"},
		"resets":        {serve: func(c *net.TCPConn, r *bufio.Reader) { readRequest(r); c.SetLinger(0) }, cause: Reset, text: "reset"},
		"silent":        {serve: func(_ *net.TCPConn, r *bufio.Reader) { readRequest(r); readRequest(r) }, cause: TimedOut, text: "timeout"},
		"stops inside":  {serve: answer(begun), cause: TimedOut, text: "timeout"},
		"trickles": {serve: func(c *net.TCPConn, r *bufio.Reader) {
			for readRequest(r) {
				for i := range len(accepted) {
					io.WriteString(c, accepted[i:i+1])
				}
			}
		}, status: 202},
		"trickles for ever": {serve: func(c *net.TCPConn, r *bufio.Reader) {
			readRequest(r)
			for range 200 {
				if _, err := io.WriteString(c, "H"[:1]); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}, cause: TimedOut, text: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(rawServer(t, tt.serve))
			c.Connections, c.Requests = 2, 6
			if tt.cause == TimedOut {
				c.RequestTimeout, c.Requests = 150*time.Millisecond, 2
			}
			r, err := Run(context.Background(), c)
			require.NoError(t, err)
			requireExact(t, r)
			assert.EqualValues(t, c.Requests, r.Intended)
			assert.EqualValues(t, c.Requests, r.Sent, "%v", r.Errors)
			if tt.status != 0 {
				assert.Equal(t, map[int]uint64{tt.status: uint64(c.Requests)}, r.Status, "%v", r.Errors)
				return
			}
			assert.Equal(t, map[Cause]uint64{tt.cause: uint64(c.Requests)}, r.Failed, "%v", r.Errors)
			assert.Contains(t, r.Errors[tt.cause], tt.text)
			assert.Contains(t, r.Errors[tt.cause], "cannot complete a request to 127.0.0.1:")
			assert.Zero(t, r.SuccessRate())
		})
	}
}

// A server may refuse a request by its head and close; the client is still writing then.
func TestAnswerBeforeTheBodyWasReadCounts(t *testing.T) {
	url := rawServer(t, func(conn *net.TCPConn, r *bufio.Reader) {
		if _, err := r.ReadString('\n'); err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(50 * time.Millisecond) // the client meanwhile fills the socket's buffers
	})
	c := load(url)
	c.Bodies = []Body{{Data: make([]byte, 16<<20), Metrics: 1}}
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.Equal(t, map[int]uint64{413: 1}, r.Status, "%v", r.Errors)
	assert.Zero(t, r.Metrics)
}

// A server that reads nothing of a large request lets its write time out.
func TestWriteTimesOut(t *testing.T) {
	release := make(chan struct{})
	url := rawServer(t, func(*net.TCPConn, *bufio.Reader) { <-release })
	defer close(release)
	c := load(url)
	c.RequestTimeout = 500 * time.Millisecond
	c.Bodies = []Body{{Data: make([]byte, 16<<20)}}
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.Equal(t, map[Cause]uint64{TimedOut: 1}, r.Failed, "%v", r.Errors)
	assert.Greater(t, r.BytesOut, uint64(1000))
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + l.Addr().String()
	l.Close()
	for _, arrivals := range []Pacer{nil, constant(t, 1000)} {
		c := load(url)
		c.Connections, c.Duration, c.Requests, c.Arrivals = 3, 200*time.Millisecond, 0, arrivals
		r, err := Run(context.Background(), c)
		require.NoError(t, err, "a server that is not there is a measurement, not an error")
		requireExact(t, r)
		assert.Positive(t, r.Failed[Refused])
		assert.Equal(t, r.Intended, r.Failed[Refused])
		assert.Zero(t, r.Sent)
		assert.Contains(t, r.Errors[Refused], "connection refused")
		if arrivals == nil {
			assert.LessOrEqual(t, r.Intended, uint64(3*(200/10+1)), "a client that is refused pauses")
		} else {
			assert.EqualValues(t, 200, r.Intended)
		}
	}
}

func TestClientReconnects(t *testing.T) {
	var connections atomic.Int32
	url := rawServer(t, func(conn *net.TCPConn, r *bufio.Reader) {
		connections.Add(1)
		for k := 0; readRequest(r) && k < 3; k++ {
			io.WriteString(conn, accepted)
		}
	})
	c := load(url)
	c.Requests = 20
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.EqualValues(t, 5, connections.Load())
	assert.EqualValues(t, 5, r.Unanswered(), "every fourth request of a connection: %v", r.Errors)
	assert.EqualValues(t, 15, r.Status[202])
}

func TestDialTimesOut(t *testing.T) {
	c := client{addr: "192.0.2.1:9", dialTimeout: time.Nanosecond, timeout: time.Hour, epoch: time.Now(), responses: newResponseReader()}
	_, sent, err := c.do(context.Background(), 0, nil)
	assert.False(t, sent)
	assert.Equal(t, TimedOut, causeOf(err), "%v", err)
	assert.ErrorContains(t, err, "192.0.2.1:9")
}

func TestUnknownErrorsAreOther(t *testing.T) {
	c := load("http://no-such-host.invalid/")
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.EqualValues(t, 1, r.Unanswered())
	assert.True(t, strings.Contains(r.Errors[Other]+r.Errors[TimedOut], "no-such-host.invalid"), "%v", r.Errors)
}
