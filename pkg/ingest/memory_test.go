package ingest_test

import (
	"bufio"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"metricstream/pkg/ingest"
	"metricstream/pkg/metric"
)

// discard is a sink that costs nothing.
type discard struct{}

func (discard) Append(metric.Record) error { return nil }

func quiet(t testing.TB, change func(*ingest.Config)) *ingest.Handler {
	t.Helper()
	cfg := config()
	cfg.MaxInFlight = 64
	if change != nil {
		change(&cfg)
	}
	h, err := ingest.New(cfg, discard{}, limiterFunc(admitAll), nil, nil)
	require.NoError(t, err)
	return h
}

// load makes ctx hold the request that wire is.
func load(t testing.TB, ctx *fasthttp.RequestCtx, wire string) {
	t.Helper()
	require.NoError(t, ctx.Request.Read(bufio.NewReaderSize(strings.NewReader(wire), 8<<10)))
}

// The accepted path allocates nothing, in the handler and from the connection on.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector changes what is allocated")
	}
	t.Run("handler", func(t *testing.T) {
		keyed := func(c *ingest.Config) { c.Keys = map[[32]byte]string{sum("k"): "team"} }
		for name, c := range map[string]struct {
			wire   string
			change func(*ingest.Config)
		}{
			"plain":     {request("Content-Type: application/json", "User-Agent: x", "X-Correlation-ID: abc", length) + good, nil},
			"generated": {request(length) + good, nil},
			"traced":    {request("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", length) + good, nil},
			"keys":      {head("POST /metrics HTTP/1.1", "Host: a", "Authorization: Bearer k", length) + good, keyed},
			"lenient":   {request("Prefer: handling=lenient", length) + good, nil},
		} {
			h := quiet(t, c.change)
			var ctx fasthttp.RequestCtx
			ctx.Init2(nil, nil, false)
			load(t, &ctx, c.wire)
			n := testing.AllocsPerRun(500, func() {
				ctx.Response.Reset()
				h.Handle(&ctx)
			})
			require.Equal(t, 202, ctx.Response.StatusCode(), name)
			assert.Zero(t, n, "allocations per request: %s", name)
		}
	})
	for name, body := range map[string]string{
		"connection":                good,
		"connection, larger bodies": `{"metrics":[` + strings.Repeat(good[12:len(good)-2]+",", 200) + good[12:len(good)-2] + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			serve(t, quiet(t, nil).HTTPServer(), ln)
			conn, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			wire := []byte(request("Content-Length: "+itoa(len(body))) + body)
			answer := make([]byte, 4096)
			exchange := func(times int) {
				for range times {
					_, err := conn.Write(wire)
					if err != nil {
						t.Fatal(err)
					}
					n := 0
					for n == 0 || answer[n-1] != '}' {
						m, err := conn.Read(answer[n:])
						if err != nil {
							t.Fatal(err)
						}
						n += m
					}
				}
			}
			exchange(200)
			require.Contains(t, string(answer), "HTTP/1.1 202")
			const times = 3000
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			exchange(times)
			runtime.ReadMemStats(&after)
			assert.Less(t, float64(after.Mallocs-before.Mallocs)/times, 0.05, "allocations per request")
			assert.Less(t, float64(after.TotalAlloc-before.TotalAlloc)/times, 512.0, "bytes allocated per request")
		})
	}
}

// Clients that declare the largest body and send one byte of it hold little more than their connection.
func TestDeclaredBodiesCostNothing(t *testing.T) {
	const clients = 300
	s := start(t, config(), nil)
	require.Equal(t, 202, s.post(t, good).status)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range clients {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte(request("Content-Length: "+itoa(maxBody)) + "{"))
		require.NoError(t, err)
	}
	waitInFlight(t, s, clients)
	runtime.GC()
	runtime.ReadMemStats(&after)
	growth := (int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse)) / clients
	t.Logf("%d bytes for each connection", growth)
	assert.Less(t, growth, int64(64<<10), "bytes for each connection")
}

// What was recorded stays what it was when the request's bytes are overwritten.
func TestPoison(t *testing.T) {
	sink := new(recorder)
	h, err := ingest.New(config(), sink, nil, nil, nil)
	require.NoError(t, err)
	for range 3 {
		var ctx fasthttp.RequestCtx
		ctx.Init2(nil, nil, false)
		load(t, &ctx, request(length)+good)
		h.Handle(&ctx)
		body := ctx.Request.Body()
		for i := range body {
			body[i] = 'X'
		}
		raw := ctx.Request.Header.RawHeaders()
		for i := range raw {
			raw[i] = 'X'
		}
	}
	assert.Equal(t, stored+stored+stored, sink.lines())
	assert.Equal(t, "tester", string(sink.all()[0].Client))

	// The same over a connection, whose buffers the next request overwrites.
	s := start(t, config(), nil)
	conn := s.dial(t)
	other := strings.ReplaceAll(strings.ReplaceAll(good, "cpu", "mem"), "server1", "client2")
	for range 10 {
		conn.send(t, request(length)+good+request(length)+other)
		assert.Equal(t, 202, conn.next(t).status)
		assert.Equal(t, 202, conn.next(t).status)
	}
	for i, rec := range s.sink.all() {
		want := stored
		if i%2 == 1 {
			want = strings.ReplaceAll(strings.ReplaceAll(stored, "cpu", "mem"), "server1", "client2")
		}
		assert.Equal(t, want, string(rec.Lines))
	}
}

// Large requests leave nothing large behind in the pools, and a full request shows nowhere in a sparse one.
func TestGhost(t *testing.T) {
	s := start(t, config(), nil)
	var many strings.Builder
	many.WriteString(`{"metrics":[`)
	for i := range 3000 {
		if i > 0 {
			many.WriteByte(',')
		}
		many.WriteString(`{"name":"a","value":1,"type":"gauge","tags":{`)
		for j := range 25 {
			if j > 0 {
				many.WriteByte(',')
			}
			many.WriteString(`"` + string(rune('a'+j)) + `":"` + "" + `"`)
		}
		many.WriteString("}}")
	}
	many.WriteString("]}")
	require.Less(t, many.Len(), maxBody)
	conn := s.dial(t)
	for range 2 {
		conn.send(t, request("Content-Length: "+itoa(many.Len()))+many.String())
		require.Equal(t, 202, conn.next(t).status)
		conn.send(t, request(length)+good)
		require.Equal(t, 202, conn.next(t).status)
	}
	records := s.sink.all()
	assert.Equal(t, 3000, records[0].Metrics)
	assert.Equal(t, stored, string(records[1].Lines))
	assert.Equal(t, records[0].Metrics, strings.Count(string(records[2].Lines), "\n"))
}
