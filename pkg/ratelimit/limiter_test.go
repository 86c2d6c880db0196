package ratelimit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewRefusesNonsense(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Limit: 0, Window: time.Second}, "cannot limit to 0 requests: at least 1 is required"},
		{Config{Limit: -1, Window: time.Second}, "cannot limit to -1 requests: at least 1 is required"},
		{Config{Limit: 1}, "cannot limit over a window of 0s: it must be positive"},
		{Config{Limit: 1, Window: -1}, "cannot limit over a window of -1ns: it must be positive"},
		{Config{Limit: 1, Window: 1, Capacity: -1}, "cannot track -1 clients: 1 to 16777216, or 0 for the default of 65536, are possible"},
		{Config{Limit: 1, Window: 1, Capacity: MaxCapacity + 1}, "cannot track 16777217 clients: 1 to 16777216, or 0 for the default of 65536, are possible"},
	} {
		_, err := New(tt.cfg, nil)
		assert.EqualError(t, err, tt.want)
	}
	for _, cfg := range []Config{
		{Limit: 1, Window: 1, Capacity: 1},
		{Limit: math.MaxInt, Window: math.MaxInt64},
	} {
		l := newLimiter(t, cfg)
		_, ok := l.Allow(nil, time.Now())
		assert.True(t, ok)
	}
}

func TestClientsDoNotShare(t *testing.T) {
	l := newLimiter(t, Config{Limit: 3, Window: time.Second})
	name := []byte("name 000")
	for i := range 200 {
		copy(name[5:], fmt.Sprintf("%03d", i)) // the limiter must have copied the names before
		for j := range 5 {
			_, ok := l.Allow(name, l.start)
			assert.Equal(t, j < 3, ok, "client %s, request %d", name, j)
		}
	}
	assert.Equal(t, 200, l.Clients())
}

func TestNewcomersToAFullTableShare(t *testing.T) {
	const window = time.Second
	l := newLimiter(t, Config{Limit: 4, Window: window, Capacity: 3})
	admitted := func(client string, at time.Duration) (n int) {
		for range 10 {
			if _, ok := allow(l, client, at); ok {
				n++
			}
		}
		return n
	}
	for _, known := range []string{"a", "b", "c"} {
		_, ok := allow(l, known, 0)
		require.True(t, ok)
	}
	shared := 0
	for i := range 100 {
		shared += admitted(fmt.Sprint("newcomer ", i), window/4)
	}
	assert.Equal(t, 4, shared, "all newcomers together have the limit of one client")
	for _, known := range []string{"a", "b", "c"} {
		assert.Equal(t, 3, admitted(known, window/2), "what is left to client %s, which was in the table", known)
	}
	wait, ok := allow(l, "newcomer", window/2)
	assert.False(t, ok)
	assert.Equal(t, window*3/4, wait)
	assert.Equal(t, 3, l.Clients())
	assert.Equal(t, uint64(1001), l.Totals().Shared)

	// At the end of their window the clients leave, and who shared has room.
	assert.Equal(t, 4, admitted("newcomer 1", 2*window))
	assert.Equal(t, 4, admitted("newcomer 2", 2*window))
	assert.Equal(t, uint64(1001), l.Totals().Shared)
}

func TestOnlyExpiredClientsLeave(t *testing.T) {
	const window = time.Second
	l := newLimiter(t, Config{Limit: 2, Window: window, Capacity: 2})
	for _, at := range []time.Duration{0, window / 2} {
		_, ok := allow(l, "busy", at)
		require.True(t, ok)
	}
	_, ok := allow(l, "idle", 0)
	require.True(t, ok)

	_, ok = allow(l, "newcomer", window-1)
	require.True(t, ok)
	require.Equal(t, uint64(1), l.Totals().Shared, "nobody has expired, the newcomer shares")

	_, ok = allow(l, "newcomer", window)
	require.True(t, ok)
	assert.Equal(t, uint64(1), l.Totals().Shared, "the newcomer has the idle client's place")
	assert.Equal(t, 2, l.Clients())

	wait, ok := allow(l, "busy", window-1)
	assert.False(t, ok, "the busy client is still known")
	assert.Equal(t, time.Duration(1), wait)
}

// Two first requests of a client may both find it missing; the second to get the lock must not make a second entry.
func TestOneEntryForTwoFirstRequests(t *testing.T) {
	l := newLimiter(t, Config{Limit: 1, Window: time.Second})
	wait, _ := l.admitNewcomer(1, []byte("a"), 0)
	assert.Zero(t, wait)
	wait, _ = l.admitNewcomer(1, []byte("a"), 0)
	assert.Equal(t, time.Second, wait)
	assert.Equal(t, 1, l.Clients())
}

// A client moves from the shared window to one of its own, or leaves and comes back: neither may give it a second limit.
func TestHistoryFollowsTheClient(t *testing.T) {
	const window = time.Second

	t.Run("out of the shared window", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 2, Window: window, Capacity: 1})
		_, ok := allow(l, "a", 0)
		require.True(t, ok)
		for range 2 {
			_, ok = allow(l, "b", window-1)
			require.True(t, ok)
		}
		wait, ok := allow(l, "b", window)
		assert.Equal(t, uint64(2), l.Totals().Shared, "b has its own window now")
		assert.False(t, ok, "b was admitted twice just before")
		assert.Equal(t, window-1, wait)
		_, ok = allow(l, "b", window+wait)
		assert.True(t, ok)
	})
	t.Run("out of the table, some sweeps ago", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 2, Window: window, Capacity: 1})
		for range 2 {
			_, ok := allow(l, "a", 0)
			require.True(t, ok)
		}
		for _, newcomer := range []string{"b", "c"} { // the second finds none to take out
			_, ok := allow(l, newcomer, window)
			require.True(t, ok)
		}
		_, ok := allow(l, "a", window-1)
		assert.False(t, ok)
	})
	t.Run("out of the table and back", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 2, Window: window, Capacity: 1})
		for _, at := range []time.Duration{0, 0, window} {
			if at == window {
				_, ok := allow(l, "b", at) // a leaves
				require.True(t, ok)
				at *= 2
			}
			_, ok := allow(l, "a", at)
			require.True(t, ok)
		}
		require.Zero(t, l.Totals().Shared)
		_, ok := allow(l, "a", window-1)
		assert.False(t, ok, "a late request of a client that left and came back")
		_, ok = allow(l, "a", 2*window)
		assert.True(t, ok)
	})
	t.Run("out of the table", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 2, Window: window, Capacity: 1})
		for range 2 {
			_, ok := allow(l, "a", 0)
			require.True(t, ok)
		}
		_, ok := allow(l, "b", window)
		require.True(t, ok)
		require.Equal(t, 1, l.Clients(), "a has left")
		wait, ok := allow(l, "a", window-1)
		assert.False(t, ok, "a late request of a client that left")
		assert.Equal(t, time.Duration(1), wait)
		_, ok = allow(l, "a", window)
		assert.True(t, ok)
	})
}

// Requests that come together must not push one another out while there is room for all.
func TestNoneIsRefusedWithinTheLimit(t *testing.T) {
	const (
		goroutines = 3
		window     = time.Second
	)
	for _, limit := range []int{3, 63, 300} {
		t.Run(fmt.Sprintf("limit=%d", limit), func(t *testing.T) {
			rounds := min(5000, 300_000/limit)
			l := newLimiter(t, Config{Limit: limit, Window: window})
			var done, refused atomic.Int64
			var wg sync.WaitGroup
			for range goroutines {
				wg.Go(func() {
					for round := range rounds {
						for done.Load() < int64(round*goroutines) { // all start a round at once
							runtime.Gosched()
						}
						for range limit / goroutines {
							if _, ok := allow(l, "c", time.Duration(round)*window); !ok {
								refused.Add(1)
							}
						}
						done.Add(1)
					}
				})
			}
			wg.Wait()
			assert.Zero(t, refused.Load(), "refused of %d requests in each of %d windows", limit, rounds)
			_, ok := allow(l, "c", time.Duration(rounds-1)*window)
			assert.False(t, ok)
		})
	}
}

// A table of a few places among many clients and goroutines has clients come, leave, share and come back all the time,
// while every goroutine reads the clock some time before it asks.
func TestLimitHoldsUnderConcurrency(t *testing.T) {
	const (
		goroutines = 8
		requests   = 20_000 // of each
		window     = 100 * time.Microsecond
	)
	for _, tt := range []struct {
		limit, capacity, clients int
	}{
		{1, 1, 1}, {2, 4, 2}, {10, 16, 3}, {63, 1, 1}, {100, 8, 4}, {1000, 4, 2}, // all are tracked
		{1, 1, 2}, {1, 2, 20}, {2, 4, 6}, {10, 3, 7}, {100, 2, 4}, // not all have room
	} {
		t.Run(fmt.Sprintf("limit=%d/capacity=%d/clients=%d", tt.limit, tt.capacity, tt.clients), func(t *testing.T) {
			l := newLimiter(t, Config{Limit: tt.limit, Window: window, Capacity: tt.capacity})
			// A clock of our own makes time pass by the work done, however slow the machine.
			var clock atomic.Int64
			step := int64(window) / int64(4*tt.limit*min(tt.clients, tt.capacity+1))
			var r record
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(g), 0))
					admitted := make([][]time.Duration, tt.clients)
					for i := range requests {
						at := time.Duration(clock.Add(rng.Int64N(2*step + 1)))
						if i%64 == 0 {
							runtime.Gosched() // grow late
						}
						if i%1024 == 0 {
							at = max(0, at-window/2)
						}
						c := rng.IntN(tt.clients)
						wait, ok := allow(l, fmt.Sprint("client ", c), at)
						if ok {
							admitted[c] = append(admitted[c], at)
						} else if wait <= 0 {
							t.Errorf("refused with a wait of %v", wait)
						}
					}
					for c := range admitted {
						r.add(fmt.Sprint("client ", c), admitted[c])
					}
				})
			}
			wg.Wait()
			r.requireWithin(t, tt.limit, window)

			windows := float64(clock.Load()) / float64(window)
			places := float64(min(tt.capacity+1, tt.clients) * tt.limit) // one is shared
			t.Logf("%.0f%% of what the places allow", 100*float64(r.total())/windows/places)
			assert.Greater(t, float64(r.total()), windows*places/4, "the limiter refuses too much")

			c := l.Totals()
			assert.Equal(t, uint64(r.total()), c.Allowed)
			assert.Equal(t, uint64(goroutines*requests), c.Allowed+c.Limited)
			assert.LessOrEqual(t, l.Clients(), tt.capacity)
			tracked := 0
			for i := range l.table {
				for e := l.table[i].Load(); e != nil; e = e.next.Load() {
					tracked++
				}
			}
			assert.Equal(t, tracked, l.Clients())
		})
	}
}

func TestMemoryIsBoundedUnderManyNames(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine only: nothing to race with, and much to wait for")
	}
	const (
		names    = 300_000
		calm     = 100_000 // of them, at a rate that the table holds
		capacity = 1 << 12
		window   = time.Second
	)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	l := newLimiter(t, Config{Limit: 10_000, Window: window, Capacity: capacity})
	highest := 0
	for i := range names {
		// 2,000 newcomers per window, then 200,000.
		at := time.Duration(min(i, calm))*window/2000 + time.Duration(max(i-calm, 0))*window/200_000
		_, _ = allow(l, fmt.Sprintf("a client's name of some length, number %d", i), at)
		highest = max(highest, l.Clients())
		if i == calm-1 {
			assert.Zero(t, l.Totals().Shared, "there was always room")
			assert.Less(t, l.Clients(), capacity, "expired clients leave before the table is full")
		}
	}
	assert.Equal(t, capacity, highest)
	assert.NotZero(t, l.Totals().Shared)
	assert.Less(t, heap()-before, int64(capacity*1024+1<<20), "bytes for %d clients", l.Clients())
	runtime.KeepAlive(l)
}

func TestKnownClientAllocatesNothing(t *testing.T) {
	l := newLimiter(t, Config{Limit: 10, Window: time.Millisecond})
	client := []byte("somebody")
	l.Allow(client, time.Now())
	assert.Zero(t, testing.AllocsPerRun(1000, func() { l.Allow(client, time.Now()) }))
	c := l.Totals()
	assert.NotZero(t, c.Allowed)
	assert.NotZero(t, c.Limited)
}

// A step of the wall clock changes what a time shows, not its monotonic reading.
func TestWallClockDoesNotMatter(t *testing.T) {
	l := newLimiter(t, Config{Limit: 1, Window: time.Hour})
	now := time.Now()
	_, ok := l.Allow([]byte("c"), now)
	require.True(t, ok)
	_, ok = l.Allow([]byte("c"), now.In(time.FixedZone("elsewhere", 7*3600)))
	assert.False(t, ok)
	require.NotEqual(t, now.Round(0), now, "the time must carry a monotonic reading for this test to say anything")
}
