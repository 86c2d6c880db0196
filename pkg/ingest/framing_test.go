package ingest_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/ingest"
)

// padded returns a good body of the given size, at least len(good): white space before the document.
func padded(size int) string { return strings.Repeat(" ", size-len(good)) + good }

// post returns a good request with body.
func post(body string) string { return request("Content-Length: "+itoa(len(body))) + body }

// A body in chunks ends with the last chunk and its trailer section. Wherever the connection ends before,
// even where what has come is a whole document, it is an error, and nothing is stored.
func TestTruncatedChunks(t *testing.T) {
	s := start(t, config(), nil)
	head := request("Transfer-Encoding: chunked")
	for name, body := range map[string]string{
		"one chunk":      chunked(good),
		"several chunks": "1\r\n" + good[:1] + "\r\n" + fmt.Sprintf("%X;a=b\r\n%s\r\n", len(good)-1, good[1:]) + "3; x=\"y\"\r\n   \r\n0\r\nX: y\r\nZ: \r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for cut := range len(body) {
				conn := s.dial(t)
				conn.send(t, head+body[:cut])
				require.NoError(t, conn.Conn.(*net.TCPConn).CloseWrite())
				r := conn.next(t)
				require.Equal(t, 400, r.status, "cut after %q", body[:cut])
				require.Equal(t, "incomplete-request", slug(t, r), "cut after %q", body[:cut])
				require.Equal(t, "close", r.header.Get("Connection"))
				require.True(t, conn.closed())
				_ = conn.Close()
			}
			require.Empty(t, s.sink.all(), "a truncated body was stored")
		})
	}
}

// The same when nobody listens for the answer any more: the client is gone.
func TestTruncatedChunksWithoutAReader(t *testing.T) {
	s := start(t, config(), nil)
	body := chunked(good)
	for cut := len(body) - 9; cut < len(body); cut++ {
		conn := s.dial(t)
		conn.send(t, request("Transfer-Encoding: chunked")+body[:cut])
		require.NoError(t, conn.Close())
	}
	require.Eventually(t, func() bool { return s.counter(t, "metricstream_ingest_rejected_total{incomplete-request}") == 9 },
		10*time.Second, 5*time.Millisecond)
	assert.Empty(t, s.sink.all())
}

// One request after another on one connection, in pieces that end anywhere: each is answered and stored as if alone.
func TestPipelines(t *testing.T) {
	s := start(t, config(), nil)
	var wire strings.Builder
	sizes := []int{len(good), 400, 5 << 10, 16 << 10, 17 << 10, 70 << 10, len(good)}
	requests := 0
	for range 15 {
		for _, size := range sizes {
			wire.WriteString(post(padded(size)))
			requests++
		}
		wire.WriteString(request("Transfer-Encoding: chunked") + chunked(padded(300)))
		requests++
	}
	require.Greater(t, requests, 100)
	random := rand.New(rand.NewPCG(1, 2))
	for name, piece := range map[string]func() int{
		"in one write":     func() int { return wire.Len() },
		"in random pieces": func() int { return 1 + random.IntN(40<<10) },
		"in odd pieces":    func() int { return 4093 },
	} {
		before := len(s.sink.all())
		conn := s.dial(t)
		go func() {
			for rest := wire.String(); rest != ""; {
				n := min(piece(), len(rest))
				if _, err := io.WriteString(conn, rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		for i := range requests {
			require.Equal(t, 202, conn.next(t).status, "%s: request %d", name, i)
		}
		require.Equal(t, strings.Repeat(stored, requests), linesFrom(s, before), name)
	}
}

func linesFrom(s *service, first int) string {
	var b strings.Builder
	for _, r := range s.sink.all()[first:] {
		b.Write(r.Lines)
	}
	return b.String()
}

// Three requests, the bytes in two pieces that meet at every place there is, and then byte by byte.
func TestEveryCut(t *testing.T) {
	s := start(t, config(), nil)
	short := `{"metrics":[{"name":"a","value":1,"type":"gauge","timestamp":0}]}`
	wire := post(short) + request("Transfer-Encoding: chunked") + "4;x\r\n" + short[:4] + "\r\n" + chunked(short[4:]) + "\r\n\r\n" + post(short)
	line := `{"timestamp":"1970-01-01T00:00:00.000Z","name":"a","value":1,"type":"gauge"}` + "\n"
	conn := s.dial(t)
	require.NoError(t, conn.Conn.(*net.TCPConn).SetNoDelay(true))
	check := func(where string, before int) {
		for range 3 {
			require.Equal(t, 202, conn.next(t).status, where)
		}
		require.Equal(t, line+line+line, linesFrom(s, before), where)
	}
	for cut := 1; cut < len(wire); cut++ {
		before := len(s.sink.all())
		conn.send(t, wire[:cut])
		time.Sleep(200 * time.Microsecond) // most pieces are then read one by one; for the result it makes no difference
		conn.send(t, wire[cut:])
		check(fmt.Sprintf("after %q", wire[:cut]), before)
	}
	before := len(s.sink.all())
	for i := range wire {
		conn.send(t, wire[i:i+1])
	}
	check("byte by byte", before)
}

// A connection whose reads return what the test says, one piece each, in place of the kernel's choice.
func TestPieces(t *testing.T) {
	wire := post(good) + request("Transfer-Encoding: chunked") + "4;x\r\n" + good[:4] + "\r\n" + chunked(good[4:]) + post(padded(40<<10)) + post(good)
	for _, size := range []int{1, 2, 3, 7, 100, 1000, 16 << 10, 1 << 20} {
		sink := new(recorder)
		h, err := ingest.New(config(), sink, nil, nil, nil)
		require.NoError(t, err)
		c := &memoryConn{wire: &pieces{strings.NewReader(wire), size}, closed: make(chan struct{})}
		require.NoError(t, h.HTTPServer().ServeConn(c))
		<-c.closed
		assert.Equal(t, strings.Repeat(stored, 4), sink.lines(), "pieces of %d", size)
	}
}

// pieces returns at most size bytes from each Read.
type pieces struct {
	r    io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.size)]) }

// Sizes, extensions and trailer fields of chunks, right and wrong.
func TestChunkSyntax(t *testing.T) {
	s := start(t, config(), nil)
	n, data := fmt.Sprintf("%x", len(good)), good+"\r\n"
	var singles strings.Builder
	for i := range good {
		singles.WriteString("1\r\n" + good[i:i+1] + "\r\n")
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"capitals":                {strings.ToUpper(n) + "\r\n" + data + "0\r\n\r\n", 202},
		"leading zeros":           {"000000000000" + n + "\r\n" + data + "0000\r\n\r\n", 202},
		"extensions":              {n + ";a;b=c;d=\"e;f\"\r\n" + data + "0;z\r\n\r\n", 202},
		"space before extension":  {n + " ;a\r\n" + data + "0\r\n\r\n", 400},
		"long extension":          {n + ";" + strings.Repeat("a", 4000) + "\r\n" + data + "0\r\n\r\n", 202},
		"trailers":                {n + "\r\n" + data + "0\r\nX: a\r\nY:\r\n\r\n", 202},
		"single bytes":            {singles.String() + "0\r\n\r\n", 202},
		"too many zeros":          {strings.Repeat("0", 15) + n + "\r\n" + data + "0\r\n\r\n", 400},
		"zeros without end":       {strings.Repeat("0", 100000), 400},
		"largest int":             {"7fffffffffffffff\r\n" + data + "0\r\n\r\n", 413},
		"beyond int":              {"8000000000000000\r\n" + data + "0\r\n\r\n", 400},
		"all ones":                {"ffffffffffffffff\r\n" + data + "0\r\n\r\n", 400},
		"wraps round":             {"1000000000000007e\r\n" + data + "0\r\n\r\n", 400},
		"over the limit":          {"100001\r\n" + data + "0\r\n\r\n", 413},
		"over the limit together": {n + "\r\n" + data + fmt.Sprintf("%x\r\n", maxBody-len(good)+1) + data, 413},
		"minus":                   {"-" + n + "\r\n" + data + "0\r\n\r\n", 400},
		"underscore":              {"7_e\r\n" + data + "0\r\n\r\n", 400},
		"not hexadecimal":         {"7g\r\n" + data + "0\r\n\r\n", 400},
		"space before":            {" " + n + "\r\n" + data + "0\r\n\r\n", 400},
		"space behind":            {n + " \r\n" + data + "0\r\n\r\n", 400},
		"space inside":            {"7 e\r\n" + data + "0\r\n\r\n", 400},
		"spaces without end":      {n + strings.Repeat(" ", 100000), 400},
		"extension without end":   {n + ";" + strings.Repeat("a", 100000), 400},
		"extensions in sum":       {strings.Repeat("1;"+strings.Repeat("a", 100)+"\r\n \r\n", 60) + chunked(good), 400},
		"CR alone":                {n + "\rx" + data + "0\r\n\r\n", 400},
		"CR in the extension":     {n + ";a\rb\r\n" + data + "0\r\n\r\n", 400},
		"NUL in the extension":    {n + ";a\x00\r\n" + data + "0\r\n\r\n", 400},
		"DEL in the extension":    {n + ";a\x7f\r\n" + data + "0\r\n\r\n", 400},
		"data longer":             {n + "\r\n" + good + " \r\n0\r\n\r\n", 400},
		"data ends in CR":         {n + "\r\n" + good + "\rx0\r\n\r\n", 400},
		"data ends in LF":         {n + "\r\n" + good + "\n0\r\n\r\n", 400},
		"last chunk with bare LF": {n + "\r\n" + data + "0\n\r\n", 400},
		"end with bare LF":        {n + "\r\n" + data + "0\r\n\n", 400},
		"end with CR":             {n + "\r\n" + data + "0\r\n\rx", 400},
		"trailer with bare LF":    {n + "\r\n" + data + "0\r\nX: a\n\r\n", 400},
		"trailer folded":          {n + "\r\n" + data + "0\r\nX: a\r\n b\r\n\r\n", 400},
		"trailer without name":    {n + "\r\n" + data + "0\r\n: a\r\n\r\n", 400},
		"trailers without end":    {n + "\r\n" + data + "0\r\n" + strings.Repeat("X: y\r\n", 10000), 400},
		"trailer of length":       {n + "\r\n" + data + "0\r\nContent-Length: 1\r\n\r\n", 400},
		"trailer of coding":       {n + "\r\n" + data + "0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"trailer of compression":  {n + "\r\n" + data + "0\r\nContent-Encoding: gzip\r\n\r\n", 400},
		"trailer of type":         {n + "\r\n" + data + "0\r\nContent-Type: text/plain\r\n\r\n", 400},
		"trailer of preference":   {n + "\r\n" + data + "0\r\nPrefer: handling=lenient\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.sink.all())
			conn := s.dial(t)
			go func() { _, _ = io.WriteString(conn, request("Transfer-Encoding: chunked")+c.body+post(good)) }()
			r := conn.next(t)
			require.Equal(t, c.status, r.status, r.body)
			if c.status == 202 {
				require.Equal(t, 202, conn.next(t).status, "the request behind it")
				require.Equal(t, stored+stored, linesFrom(s, before))
				return
			}
			r.problem(t)
			assert.Equal(t, "close", r.header.Get("Connection"))
			assert.True(t, conn.closed())
			assert.Len(t, s.sink.all(), before, "a refused request was stored")
		})
	}
}

// What is left of a refused body is passed over, whenever it comes, and the answer does not wait for it.
func TestRefusedThenServed(t *testing.T) {
	s := start(t, config(), limiterFunc(func(c []byte, _ time.Time) (time.Duration, bool) { return time.Second, string(c) == "tester" }))
	conn := s.dial(t)
	for _, size := range []int{len(good), 10 << 10, 100 << 10, 256 << 10} {
		body := padded(size)
		for name, refused := range map[string]struct {
			head   string
			status int
		}{
			"client": {head("POST /metrics HTTP/1.1", "Host: a", "Content-Length: "+itoa(size)), 401},
			"rate":   {head("POST /metrics HTTP/1.1", "Host: a", "Authorization: b", "Content-Length: "+itoa(size)), 429},
			"type":   {request("Content-Type: text/plain", "Content-Length: "+itoa(size)), 415},
			"path":   {head("POST /x HTTP/1.1", "Host: a", "Content-Length: "+itoa(size)), 404},
		} {
			before := len(s.sink.all())
			conn.send(t, refused.head)
			require.Equal(t, refused.status, conn.next(t).status, "%s, before the body is sent", name)
			conn.send(t, body[:size/2])
			conn.send(t, body[size/2:]+post(good))
			require.Equal(t, 202, conn.next(t).status, "%s: the request behind it", name)

			conn.send(t, refused.head+body+post(good))
			require.Equal(t, refused.status, conn.next(t).status, "%s, all at once", name)
			require.Equal(t, 202, conn.next(t).status, "%s: the request behind it", name)
			require.Equal(t, stored+stored, linesFrom(s, before))
		}
	}
}

// A client that breaks off a body that nobody reads is no error.
func TestRefusedThenGone(t *testing.T) {
	s := start(t, config(), nil)
	for _, cut := range []int{0, 50} {
		conn := s.dial(t)
		conn.send(t, request("Content-Type: text/plain", length)+good[:cut])
		require.Equal(t, 415, conn.next(t).status)
		require.NoError(t, conn.Conn.(*net.TCPConn).CloseWrite())
		assert.True(t, conn.closed(), "there is another response")
	}
	assert.EqualValues(t, 2, s.counter(t, "metricstream_http_requests_total{415}"))
}

// A client that says "Connection: close" and is refused gets its answer though its body is on the way.
func TestRefusedForTheLastTime(t *testing.T) {
	s := start(t, config(), nil)
	for range 20 {
		conn := s.dial(t)
		conn.send(t, request("Content-Type: text/plain", "Connection: close", "Content-Length: "+itoa(200<<10)))
		conn.send(t, strings.Repeat(" ", 200<<10))
		r := conn.next(t)
		require.Equal(t, 415, r.status)
		require.Equal(t, "close", r.header.Get("Connection"))
		require.True(t, conn.closed())
	}
}

// A body that is announced and not sent after "100 Continue" times out, and one that drips after a refusal does not hold the answer.
func TestSlowBodies(t *testing.T) {
	cfg := config()
	cfg.ReadTimeout, cfg.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	s := start(t, cfg, nil)
	conn := s.dial(t)
	conn.send(t, request("Expect: 100-continue", length))
	require.Equal(t, 100, conn.next(t).status)
	assert.Equal(t, 408, conn.next(t).status)
	assert.True(t, conn.closed())

	conn = s.dial(t)
	conn.send(t, request("Content-Type: text/plain", length))
	assert.Equal(t, 415, conn.next(t).status, "the answer waits for the body")
	assert.True(t, conn.closed(), "a body that does not come is waited for without end")

	conn = s.dial(t)
	conn.send(t, post(good)+request("Content-Length: "+itoa(100<<10))+padded(50<<10))
	assert.Equal(t, 202, conn.next(t).status)
	assert.Equal(t, 408, conn.next(t).status)
	assert.Len(t, s.sink.all(), 1)
}
