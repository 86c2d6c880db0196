package loadgen

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// Under every model and of real servers, what the client counts is what the server saw.
func TestCountsAgreeWithTheServer(t *testing.T) {
	var seen, good atomic.Uint64
	status := func() int { // a third is refused
		if seen.Add(1)%3 == 0 {
			return 503
		}
		good.Add(1)
		return 202
	}
	for server, url := range map[string]string{
		"net/http": netHTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status())
			_, _ = w.Write(bytes.Repeat([]byte("a"), 5000)) // chunked, for it is long
		}),
		"fasthttp": fastHTTPServer(t, func(c *fasthttp.RequestCtx) { c.SetStatusCode(status()) }),
	} {
		for model, change := range map[string]func(*Config){
			"closed":      func(*Config) {},
			"think":       func(c *Config) { c.Think = time.Millisecond },
			"constant":    func(c *Config) { c.Arrivals = constant(t, 5000) },
			"poisson":     func(c *Config) { c.Arrivals = poisson(t, 5000, 1) },
			"fresh":       func(c *Config) { c.FreshConnections = true },
			"by duration": func(c *Config) { c.Arrivals, c.Requests, c.Duration = constant(t, 5000), 0, 100*time.Millisecond },
		} {
			t.Run(server+"/"+model, func(t *testing.T) {
				seen.Store(0)
				good.Store(0)
				c := load(url)
				c.Connections, c.Requests = 7, 500
				c.Bodies = []Body{{[]byte("{}"), 10}, {[]byte("{ }"), 10}}
				c.ClientHeaders = byNumber
				change(&c)
				r, err := Run(context.Background(), c)
				require.NoError(t, err)
				requireExact(t, r)
				assert.EqualValues(t, 500, r.Intended)
				assert.Equal(t, seen.Load(), r.Sent)
				assert.Equal(t, good.Load(), r.Status[202])
				assert.Equal(t, seen.Load()-good.Load(), r.Status[503])
				assert.Equal(t, good.Load()*10, r.Metrics)
				assert.Empty(t, r.Failed)
				assert.InDelta(t, 2.0/3, r.SuccessRate(), 0.01)
				assert.Equal(t, c.Arrivals != nil, r.Open)
				assert.Greater(t, r.BytesOut, uint64(500*60))
				assert.Greater(t, r.BytesIn, uint64(500*60))
				assert.Positive(t, r.RequestRate())
				assert.InEpsilon(t, r.RequestRate()*10*2/3, r.MetricRate(), 0.01)
				if c.Arrivals != nil {
					assert.EqualValues(t, 500, r.SendLag.TotalCount(), "a lag for every request of the open model")
				} else if c.Think > 0 {
					assert.EqualValues(t, 500-7, r.SendLag.TotalCount(), "a lag for every request that was waited with")
				} else {
					assert.Zero(t, r.SendLag.TotalCount())
				}
			})
		}
	}
}

func TestBodiesArriveByteExactInRotation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var bodies []Body
	for i := range 5 {
		data := make([]byte, []int{0, 1, 300, 70_000, 1 << 20}[i])
		for j := range data {
			data[j] = byte(rng.Uint32())
		}
		bodies = append(bodies, Body{Data: data, Metrics: i})
	}
	var mu sync.Mutex
	got := map[string][]int{} // by client: the bodies' numbers
	url := netHTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		number := -1
		for i, b := range bodies {
			if err == nil && bytes.Equal(b.Data, data) {
				number = i
			}
		}
		client := r.Header.Get("Authorization")
		got[client] = append(got[client], number)
		assert.Equal(t, "text/plain", r.Header.Get("Content-Type"))
	})
	c := load(url)
	c.Headers, c.ClientHeaders = []Header{{"Content-Type", "text/plain"}}, byNumber
	c.Bodies, c.Connections, c.Requests = bodies, 3, 32
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	mu.Lock()
	require.Len(t, got, 3)
	for client := range 3 {
		numbers := got["client-"+strconv.Itoa(client)]
		require.Len(t, numbers, []int{11, 11, 10}[client], "client %d", client)
		for k, number := range numbers {
			require.Equal(t, (client+k)%len(bodies), number, "request %d of client %d", k, client)
		}
	}

	clear(got)
	mu.Unlock()

	c.Connections, c.Requests, c.Arrivals = 1, 12, constant(t, 1000)
	r, err = Run(context.Background(), c)
	require.NoError(t, err)
	assert.EqualValues(t, 2*(0+1+2+3+4)+0+1, r.Metrics)
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1}, got["client-0"])
}

// stall is a handler that answers nobody for 300 ms, beginning 200 ms after the first request.
func stall() http.HandlerFunc {
	var first sync.Once
	var from, to time.Time
	return func(w http.ResponseWriter, _ *http.Request) {
		first.Do(func() {
			from = time.Now().Add(200 * time.Millisecond)
			to = from.Add(300 * time.Millisecond)
		})
		if now := time.Now(); now.After(from) && now.Before(to) {
			time.Sleep(to.Sub(now))
		}
	}
}

// The reason for the open model: 300 of 1,000 requests meet the stall there, and 4, one on each connection, in the closed one.
func TestStallShowsInTheOpenModel(t *testing.T) {
	c := load(netHTTPServer(t, stall()))
	c.Connections, c.Requests, c.Duration, c.Arrivals = 4, 0, time.Second, constant(t, 1000)
	open, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, open)
	assert.EqualValues(t, 1000, open.Intended)
	assert.EqualValues(t, 1000, open.Status[200], "all are sent, late or not: %v", open.Failed)
	assert.Greater(t, above(open.Latency, 100*time.Millisecond), int64(150), "200 requests were due while more than 100 ms of the stall were left")
	assert.Greater(t, open.Latency.ValueAtPercentile(99), int64(200*time.Millisecond))

	c.URL, c.Arrivals = netHTTPServer(t, stall()), nil
	closed, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, closed)
	assert.Positive(t, above(closed.Latency, 200*time.Millisecond))
	share := float64(above(closed.Latency, 200*time.Millisecond)) / float64(closed.Intended)
	assert.Less(t, share, float64(above(open.Latency, 200*time.Millisecond))/float64(open.Intended)/3, "the closed model hides the stall")
}

func TestRequestsThatCannotBeSentAreUnsent(t *testing.T) {
	c := load(netHTTPServer(t, func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) }))
	c.Connections, c.Requests, c.Duration, c.Arrivals = 2, 0, 300*time.Millisecond, constant(t, 1000)
	c.Drain = 100 * time.Millisecond
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.EqualValues(t, 300, r.Intended)
	assert.Greater(t, r.Unsent, uint64(200), "two connections send at most 100 a second")
	assert.Greater(t, r.Sent, uint64(2))
	assert.GreaterOrEqual(t, r.Elapsed, 400*time.Millisecond)
}

func TestEndOfContextStopsAtOnce(t *testing.T) {
	release := make(chan struct{})
	silent := rawServer(t, func(*net.TCPConn, *bufio.Reader) { <-release })
	defer close(release)
	for name, change := range map[string]func(*Config){
		"waits for answers":      func(*Config) {},
		"waits for arrivals":     func(c *Config) { c.Arrivals = constant(t, 0.001) },
		"arrivals and answers":   func(c *Config) { c.Arrivals = constant(t, 500) },
		"thinks":                 func(c *Config) { c.URL, c.Think = rawServer(t, answer(accepted)), time.Hour },
		"warms up":               func(c *Config) { c.WarmUp = time.Hour },
		"sends":                  func(c *Config) { c.URL = rawServer(t, answer(accepted)) },
		"writes":                 func(c *Config) { c.Bodies = []Body{{Data: make([]byte, 16<<20)}} },
		"is refused and pauses":  func(c *Config) { c.URL = "http://127.0.0.1:1" },
		"with fresh connections": func(c *Config) { c.URL, c.FreshConnections = rawServer(t, answer(accepted)), true },
	} {
		t.Run(name, func(t *testing.T) {
			c := load(silent)
			c.Connections, c.Requests, c.Duration, c.RequestTimeout = 5, 0, time.Hour, time.Hour
			change(&c)
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			after := func() { time.AfterFunc(100*time.Millisecond, func() { cancel(errors.New("enough")) }) }
			if c.WarmUp > 0 {
				after()
			}
			c.Began = after
			begun := time.Now()
			r, err := Run(ctx, c)
			assert.Less(t, time.Since(begun), 20*time.Second)
			assert.EqualError(t, err, "cannot finish the load: enough")
			require.NotNil(t, r)
			requireExact(t, r)
			assert.Less(t, r.Elapsed, 20*time.Second)
			switch name {
			case "waits for answers", "writes":
				assert.Equal(t, map[Cause]uint64{Abandoned: 5}, r.Failed, "%v", r.Errors)
			case "waits for arrivals":
				assert.LessOrEqual(t, r.Intended, uint64(1), "arrivals after the end are not intended")
			case "arrivals and answers":
				assert.EqualValues(t, 5, r.Failed[Abandoned])
				assert.Positive(t, r.Unsent)
			case "warms up":
				assert.Zero(t, r.Intended)
			}
		})
	}
}

func TestAnEndedContextDoesNotDial(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, arrivals := range []Pacer{nil, constant(t, 10)} {
		c := load("http://127.0.0.1:1")
		c.Arrivals = arrivals
		r, err := Run(ctx, c)
		assert.ErrorIs(t, err, context.Canceled)
		requireExact(t, r)
		assert.Zero(t, r.Sent)
	}
}

func TestWarmUpIsNotCounted(t *testing.T) {
	for _, arrivals := range []Pacer{nil, constant(t, 500)} {
		var seen, before atomic.Uint64
		c := load(netHTTPServer(t, func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
		c.Connections, c.Requests, c.WarmUp, c.Arrivals = 3, 40, 150*time.Millisecond, arrivals
		began := 0
		c.Began = func() {
			began++
			before.Store(seen.Load())
		}
		r, err := Run(context.Background(), c)
		require.NoError(t, err)
		requireExact(t, r)
		assert.EqualValues(t, 40, r.Intended)
		assert.EqualValues(t, 40, r.Status[200])
		assert.Equal(t, 1, began)
		assert.Positive(t, before.Load())
		assert.Greater(t, seen.Load(), r.Sent)
		if arrivals != nil {
			assert.EqualValues(t, 75+40, seen.Load())
		}
	}
}

// Together the intervals are the Result.
func TestSnapshotsAddUp(t *testing.T) {
	c := load(netHTTPServer(t, func(http.ResponseWriter, *http.Request) { time.Sleep(5 * time.Millisecond) }))
	c.Connections, c.Requests, c.Duration, c.Drain, c.Arrivals = 2, 0, 300*time.Millisecond, time.Millisecond, poisson(t, 1000, 3)
	c.SnapshotEvery = 50 * time.Millisecond
	total := newResult()
	var at []time.Duration
	c.Snapshot = func(since time.Duration, interval *Result) {
		requireExact(t, interval)
		at = append(at, since)
		total.Merge(interval)
	}
	began := 0
	c.Began = func() { began++ }
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.Positive(t, r.Unsent)
	assert.GreaterOrEqual(t, len(at), 3)
	assert.IsIncreasing(t, at)
	assert.Equal(t, r, total)
	assert.Equal(t, at[len(at)-1], r.Elapsed)
	assert.Equal(t, 1, began)
}

// The dialer has the context's deadline too, and may notice it first: that is no failure of the server.
func TestDeadlineOfContextIsNoTimeoutOfTheServer(t *testing.T) {
	c := load(rawServer(t, answer(accepted)))
	c.Requests, c.Duration, c.FreshConnections, c.Connections = 0, time.Hour, true, 4
	for range 10 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		r, err := Run(ctx, c)
		cancel()
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		requireExact(t, r)
		assert.Zero(t, r.Failed[TimedOut], "%v", r.Errors)
	}
}

// A pacer of one's own: the model is open to any.
type burst struct{ n int }

func (b *burst) Next() time.Duration {
	b.n++
	return time.Duration((b.n-1)/10) * 50 * time.Millisecond
}

func TestPacersAreOpenToOthers(t *testing.T) {
	c := load(rawServer(t, answer(accepted)))
	c.Connections, c.Requests, c.Arrivals = 2, 30, &burst{}
	r, err := Run(context.Background(), c)
	require.NoError(t, err)
	requireExact(t, r)
	assert.EqualValues(t, 30, r.Status[202])
	assert.GreaterOrEqual(t, r.Elapsed, 100*time.Millisecond)
}

// In steady state a request costs no allocation: two runs that differ by many requests allocate about the same.
func TestRequestsDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	response := []byte(accepted)
	url := rawServer(t, func(conn *net.TCPConn, r *bufio.Reader) {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			if err != nil {
				return
			}
			for range bytes.Count(buf[:n], []byte("POST")) { // one write brings one request
				if _, err := conn.Write(response); err != nil {
					return
				}
			}
		}
	})
	for model, arrivals := range map[string]func() Pacer{"closed": func() Pacer { return nil }, "open": func() Pacer { return constant(t, 20_000) }} {
		mallocs := func(requests int) float64 {
			return testing.AllocsPerRun(1, func() {
				c := load(url)
				c.Connections, c.Requests, c.Arrivals, c.ClientHeaders = 4, requests, arrivals(), byNumber
				r, err := Run(context.Background(), c)
				require.NoError(t, err)
				require.EqualValues(t, requests, r.Status[202])
			})
		}
		few := mallocs(100)
		assert.Less(t, (mallocs(5100)-few)/5000, 0.02, "allocations per request, %s model", model)
	}
}
