package ingest_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var length = "Content-Length: " + strconv.Itoa(len(good))

// request returns a good POST with the given header lines instead of the length.
func request(lines ...string) string {
	return head(append([]string{"POST /metrics HTTP/1.1", "Host: a", "Authorization: tester"}, lines...)...)
}

func chunked(body string) string {
	return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
}

// What is not HTTP, and what two readers of one message could understand differently, is refused,
// the connection ends, and nothing is stored. Every probe is followed by a request that a server would see
// which lost count of where the refused one ends.
func TestHostileHTTP(t *testing.T) {
	s := start(t, config(), nil)
	smuggled := request(length) + good
	for _, c := range []struct {
		name, wire string
		status     int
	}{
		{"length and chunked", request(length, "Transfer-Encoding: chunked") + chunked(good), 400},
		{"chunked and length", request("Transfer-Encoding: chunked", length) + chunked(good), 400},
		{"length 0 and chunked", request("Content-Length: 0", "Transfer-Encoding: chunked") + chunked(good), 400},
		{"length twice, same", request(length, length) + good, 400},
		{"length twice, different", request(length, "Content-Length: 0") + good, 400},
		{"length as a list", request("Content-Length: 5, 5") + good, 400},
		{"length signed", request("Content-Length: +126") + good, 400},
		{"length negative", request("Content-Length: -1") + good, 400},
		{"length hexadecimal", request("Content-Length: 0x7e") + good, 400},
		{"length fractional", request("Content-Length: 126.0") + good, 400},
		{"length with letters", request("Content-Length: 126a") + good, 400},
		{"length with a space inside", request("Content-Length: 12 6") + good, 400},
		{"length empty", request("Content-Length:") + good, 400},
		{"length beyond 64 bits", request("Content-Length: 99999999999999999999") + good, 400},
		{"length quoted", request(`Content-Length: "126"`) + good, 400},
		{"length's name with a space", request("Content-Length : 126") + good, 400},
		{"length's name in two words", request("Content Length: 126", length) + good, 400},
		{"coding identity", request("Transfer-Encoding: identity", length) + good, 400},
		{"coding identity alone", request("Transfer-Encoding: identity") + good, 400},
		{"coding gzip", request("Transfer-Encoding: gzip") + chunked(good), 400},
		{"coding list", request("Transfer-Encoding: gzip, chunked") + chunked(good), 400},
		{"coding chunked twice", request("Transfer-Encoding: chunked, chunked") + chunked(good), 400},
		{"coding in two fields", request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunked(good), 400},
		{"coding with a parameter", request("Transfer-Encoding: chunked;q=1") + chunked(good), 400},
		{"coding quoted", request(`Transfer-Encoding: "chunked"`) + chunked(good), 400},
		{"coding with a vertical tab", request("Transfer-Encoding: \x0bchunked") + chunked(good), 400},
		{"coding's name with a space", request("Transfer-Encoding : chunked") + chunked(good), 400},
		{"coding empty", request("Transfer-Encoding:") + chunked(good), 400},
		{"coding xchunked", request("Transfer-Encoding: xchunked") + chunked(good), 400},
		{"coding in HTTP/1.0", head("POST /metrics HTTP/1.0", "Authorization: a", "Transfer-Encoding: chunked") + chunked(good), 400},
		{"version 9.9", head("POST /metrics HTTP/9.9", "Host: a", "Authorization: a", length) + good, 400},
		{"version 2.0", head("POST /metrics HTTP/2.0", "Host: a", "Authorization: a", length) + good, 400},
		{"version 1.2", head("POST /metrics HTTP/1.2", "Host: a", "Authorization: a", length) + good, 400},
		{"version 0.9", head("POST /metrics HTTP/0.9", "Host: a", "Authorization: a", length) + good, 400},
		{"version lower case", head("POST /metrics http/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"version 1.10", head("POST /metrics HTTP/1.10", "Host: a", "Authorization: a", length) + good, 400},
		{"no version", "POST /metrics\r\nHost: a\r\nAuthorization: a\r\n" + length + "\r\n\r\n" + good, 400},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		{"fold", request("X: a", " b", length) + good, 400},
		{"fold with a tab", request("X: a", "\tb", length) + good, 400},
		{"fold that hides a coding", request("X: a", " Transfer-Encoding: chunked", length) + good, 400},
		{"fold in the length", request("Content-Length:", " 126") + good, 400},
		{"fold in the client", request("Authorization: a", " b", length) + good, 400},
		{"fold before the first field", head("POST /metrics HTTP/1.1", " Host: a", length) + good, 400},
		{"two hosts", request("Host: b", length) + good, 400},
		{"no host", head("POST /metrics HTTP/1.1", "Authorization: a", length) + good, 400},
		{"empty host", head("POST /metrics HTTP/1.1", "Host:", "Authorization: a", length) + good, 400},
		{"NUL in a value", request("X: a\x00b", length) + good, 400},
		{"CR in a value", request("X: a\rb", length) + good, 400},
		{"CR that hides a coding", request("X: a\rTransfer-Encoding: chunked", length) + good, 400},
		{"DEL in a value", request("X: a\x7fb", length) + good, 400},
		{"NUL in a name", request("X\x00: a", length) + good, 400},
		{"no colon", request("nonsense", length) + good, 400},
		{"no name", request(": a", length) + good, 400},
		{"name in parentheses", request("(X): a", length) + good, 400},
		{"name not ASCII", request("X\xc3\xa4: a", length) + good, 400},
		{"bare LF between fields", strings.Replace(request(length), "Host: a\r\n", "Host: a\n", 1) + good, 400},
		{"bare LF that hides a coding", request("X: a\nTransfer-Encoding: chunked", length) + good, 400},
		{"bare LF ends the header", strings.Replace(request(length), "\r\n\r\n", "\r\n\n", 1) + good + "\r\n\r\n", 400},
		{"bare LFs throughout", strings.ReplaceAll(request(length), "\r\n", "\n") + good + "\r\n\r\n", 400},
		{"GET with a body", head("GET /metrics HTTP/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"GET with chunks", head("GET /livez HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + chunked(good), 400},
		{"HEAD with a body", head("HEAD /livez HTTP/1.1", "Host: a", length) + good, 400},
		{"relative target", head("POST metrics HTTP/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"empty target", head("POST  HTTP/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"target with a space", head("POST /metrics /metrics HTTP/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"target with NUL", head("POST /metrics\x00 HTTP/1.1", "Host: a", "Authorization: a", length) + good, 400},
		{"method with a control character", head("PO\x01ST /metrics HTTP/1.1", "Host: a", length) + good, 400},
		{"no method", head(" /metrics HTTP/1.1", "Host: a", length) + good, 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\n", 40), 400},
		{"header too large", request("X: "+strings.Repeat("a", 9000), length) + good, 431},
		{"many fields", request(strings.Repeat("X: a\r\n", 2000)+length) + good, 431},
		{"target too long", head("POST /metrics?"+strings.Repeat("a", 9000)+" HTTP/1.1", "Host: a", length) + good, 431},
		{"chunk size empty", request("Transfer-Encoding: chunked") + "\r\n" + good + "\r\n0\r\n\r\n", 400},
		{"chunk size signed", request("Transfer-Encoding: chunked") + "+7e\r\n" + good + "\r\n0\r\n\r\n", 400},
		{"chunk size prefixed", request("Transfer-Encoding: chunked") + "0x7e\r\n" + good + "\r\n0\r\n\r\n", 400},
		{"chunk size beyond 64 bits", request("Transfer-Encoding: chunked") + "ffffffffffffffffff\r\n" + good + "\r\n0\r\n\r\n", 400},
		{"chunk size with bare LF", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\n%s\r\n0\r\n\r\n", len(good), good), 400},
		{"chunk extension with bare LF", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x;a\n\r\n%s\r\n0\r\n\r\n", len(good), good), 400},
		{"chunk longer than its size", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good)-1, good), 400},
		{"chunk ended by bare LF", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\n0\r\n\r\n", len(good), good), 400},
		{"trailer that gives a client", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\nAuthorization: b\r\n\r\n", len(good), good), 400},
		{"trailer malformed", request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\nno colon\r\n\r\n", len(good), good), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.dial(t)
			conn.send(t, c.wire+smuggled)
			_ = conn.Conn.(*net.TCPConn).CloseWrite()
			method, _, _ := strings.Cut(c.wire, " ")
			r := conn.nextTo(t, method)
			assert.Equal(t, c.status, r.status)
			assert.Equal(t, "close", r.header.Get("Connection"))
			assert.NotEmpty(t, r.header.Get("X-Correlation-ID"))
			if method != "HEAD" {
				r.problem(t)
			}
			assert.True(t, conn.closed(), "there is more than one response")
			require.Empty(t, s.sink.all(), "a refused request was stored")
		})
	}
}

// What is unusual and right is served, and the request after it as well.
func TestUnusualHTTP(t *testing.T) {
	for name, wire := range map[string]string{
		"chunked":               request("Transfer-Encoding: chunked") + chunked(good),
		"chunked, case":         request("transfer-encoding: CHUNKED") + chunked(good),
		"several chunks":        request("Transfer-Encoding: chunked") + "1\r\n" + good[:1] + "\r\n" + chunked(good[1:]),
		"chunk extension":       request("Transfer-Encoding: chunked") + fmt.Sprintf("%x;a=b\r\n%s\r\n0\r\n\r\n", len(good), good),
		"trailer":               request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0\r\nX: y\r\n\r\n", len(good), good),
		"absolute target":       strings.Replace(request(length), "/metrics", "http://a/metrics", 1) + good,
		"absolute, https, case": strings.Replace(request(length), "/metrics", "HTTPS://b:80/metrics?x", 1) + good,
		"query":                 strings.Replace(request(length), "/metrics", "/metrics?a=/b", 1) + good,
		"empty line before":     "\r\n" + request(length) + good,
		"no space after colon":  strings.ReplaceAll(request(length), ": ", ":") + good,
		"tabs around a value":   strings.Replace(request(length), "Host: a", "Host:\ta\t", 1) + good,
		"names in capitals":     strings.Replace(request(length), "Authorization", "AUTHORIZATION", 1) + good,
		"value not ASCII":       request("X: \xe4", length) + good,
		"connection close list": request("Connection: x, y", length) + good,
		"HTTP/1.0 kept alive":   head("POST /metrics HTTP/1.0", "Authorization: tester", "Connection: keep-alive", length) + good,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, config(), nil)
			conn := s.dial(t)
			conn.send(t, wire+request(length)+good) // pipelined
			for range 2 {
				assert.Equal(t, 202, conn.next(t).status)
			}
			require.Len(t, s.sink.all(), 2)
			assert.Equal(t, stored+stored, s.sink.lines())
			assert.Equal(t, "tester", string(s.sink.all()[0].Client))
			assert.Equal(t, s.sink.all()[0].Conn, s.sink.all()[1].Conn)
		})
	}
}

func TestTargetsWithoutPath(t *testing.T) {
	s := start(t, config(), nil)
	for _, target := range []string{"http://a", "http://a?x", "ftp://a/metrics", "*"} {
		conn := s.dial(t)
		conn.send(t, head("OPTIONS "+target+" HTTP/1.1", "Host: a"))
		assert.Equal(t, 404, conn.next(t).status, target)
	}
}

// A body that is not read because the answer was known is never taken for the next request.
func TestUnreadBody(t *testing.T) {
	smuggled := request(length) + good
	cfg := config()
	cfg.MaxBodyBytes = 4 << 20
	for _, size := range []int{len(smuggled), 200 << 10, 3 << 20} {
		body := smuggled + strings.Repeat(" ", size-len(smuggled))
		for name, framed := range map[string]string{
			"length":  request("Content-Type: text/plain", "Content-Length: "+strconv.Itoa(size)) + body,
			"chunked": request("Content-Type: text/plain", "Transfer-Encoding: chunked") + chunked(body),
		} {
			s := start(t, cfg, nil)
			conn := s.dial(t)
			conn.send(t, framed)
			r := conn.next(t)
			assert.Equal(t, 415, r.status, "%s %d", name, size)
			if r.header.Get("Connection") == "close" {
				assert.True(t, conn.closed(), "%s %d: there is another response", name, size)
			} else {
				conn.send(t, request(length)+good)
				assert.Equal(t, 202, conn.next(t).status, "%s %d", name, size)
			}
			assert.LessOrEqual(t, len(s.sink.all()), 1)
			if name == "length" {
				assert.Equal(t, size > 256<<10, r.header.Get("Connection") == "close", "%d", size)
			}
		}
	}
}

// A client that sends more than is accepted, and reads only then, still gets its answer.
func TestTooLargeIsAnswered(t *testing.T) {
	s := start(t, config(), nil)
	for name, wire := range map[string]string{
		"length":  request("Content-Length: "+strconv.Itoa(5<<20)) + strings.Repeat(" ", 5<<20),
		"chunked": request("Transfer-Encoding: chunked") + chunked(strings.Repeat(" ", 5<<20)),
	} {
		conn := s.dial(t)
		conn.send(t, wire)
		r := conn.next(t)
		assert.Equal(t, 413, r.status, name)
		assert.Equal(t, "body-too-large", slug(t, r))
		assert.Equal(t, "close", r.header.Get("Connection"))
		assert.True(t, conn.closed())
	}
	body := strings.Repeat(" ", maxBody-len(good)) + good
	assert.Equal(t, 202, s.post(t, body).status, "a body of just the limit")
	conn := s.dial(t)
	conn.send(t, request("Transfer-Encoding: chunked")+chunked(body))
	assert.Equal(t, 202, conn.next(t).status)
	conn.send(t, request("Transfer-Encoding: chunked")+chunked(" "+body))
	assert.Equal(t, 413, conn.next(t).status)
}

// TestExpect: who waits for leave to send a body is told to go on only if that can still end well.
func TestExpect(t *testing.T) {
	calls := 0
	s := start(t, config(), limiterFunc(func(c []byte, _ time.Time) (time.Duration, bool) {
		calls++
		return time.Second, string(c) == "tester"
	}))
	conn := s.dial(t)
	conn.send(t, request("Expect: 100-continue", length))
	assert.Equal(t, 100, conn.next(t).status)
	conn.send(t, good)
	assert.Equal(t, 202, conn.next(t).status)
	assert.Equal(t, 1, calls, "the limiter is asked once for one request")
	conn.send(t, request("Expect: 100-Continue", "Content-Length: 2"))
	assert.Equal(t, 100, conn.next(t).status)
	conn.send(t, "{}")
	assert.Equal(t, 422, conn.next(t).status)
	assert.Equal(t, 2, calls)

	for slugWant, wire := range map[string]string{
		"body-too-large":         request("Expect: 100-continue", "Content-Length: 2000000"),
		"unsupported-media-type": request("Expect: 100-continue", length, "Content-Type: text/plain"),
		"rate-limited":           head("POST /metrics HTTP/1.1", "Host: a", "Authorization: b", length, "Expect: 100-continue"),
		"unauthorized":           head("POST /metrics HTTP/1.1", "Host: a", length, "Expect: 100-continue"),
		"not-found":              head("POST /x HTTP/1.1", "Host: a", length, "Expect: 100-continue"),
		"malformed-request":      request("Expect: 100-continue", length, "X: a", " b"),
	} {
		conn := s.dial(t)
		conn.send(t, wire)
		r := conn.next(t)
		assert.Equal(t, slugWant, slug(t, r))
		assert.Equal(t, "close", r.header.Get("Connection"))
		assert.True(t, conn.closed())
	}
	assert.Len(t, s.sink.all(), 1)

	conn = start(t, config(), limiterFunc(func([]byte, time.Time) (time.Duration, bool) { panic("limiter") })).dial(t)
	conn.send(t, request("Expect: 100-continue", length))
	assert.Equal(t, 500, conn.next(t).status)
}

// A body that does not arrive in time, however slowly it drips, ends in 408.
func TestSlowRequests(t *testing.T) {
	cfg := config()
	cfg.ReadTimeout, cfg.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	s := start(t, cfg, nil)
	for name, wire := range map[string]string{
		"nothing":         "",
		"half a header":   "POST /metrics HTTP/1.1\r\nHost: a\r\n",
		"no body":         request(length),
		"half a body":     request(length) + good[:50],
		"half a chunk":    request("Transfer-Encoding: chunked") + "7e\r\n" + good[:50],
		"chunk to follow": request("Transfer-Encoding: chunked") + "5\r\n     \r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := s.dial(t)
			conn.send(t, wire)
			r := conn.next(t)
			assert.Equal(t, 408, r.status)
			assert.Equal(t, "request-timeout", slug(t, r))
			assert.Equal(t, "close", r.header.Get("Connection"))
			assert.True(t, conn.closed())
		})
	}
	t.Run("drip", func(t *testing.T) {
		t.Parallel()
		conn := s.dial(t)
		conn.send(t, request(length))
		go func() {
			for i := range good {
				if _, err := conn.Write([]byte{good[i]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond) // 2.5 s in all
			}
		}()
		assert.Equal(t, 408, conn.next(t).status)
	})
	t.Cleanup(func() { assert.Empty(t, s.sink.all()) })
}

// A request that the client breaks off is answered, should anybody listen, and not stored.
func TestTruncated(t *testing.T) {
	s := start(t, config(), nil)
	for _, wire := range []string{
		request(length) + good[:1],
		request(length) + good[:len(good)-1],
		request(length),
		request("Transfer-Encoding: chunked") + "7e\r\n" + good[:50],
		request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s", len(good), good),
		request("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n0", len(good), good),
	} {
		conn := s.dial(t)
		conn.send(t, wire)
		require.NoError(t, conn.Conn.(*net.TCPConn).CloseWrite())
		r := conn.next(t)
		assert.Equal(t, 400, r.status, "%q", wire)
		assert.True(t, conn.closed())
	}
	assert.Empty(t, s.sink.all())
}
