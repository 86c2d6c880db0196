package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// arrivals returns the next time of a Poisson process.
func arrivals(rng *rand.Rand, perWindow float64, window time.Duration) func() time.Duration {
	mean := float64(window) / perWindow
	at := 0.0
	return func() time.Duration {
		at += rng.ExpFloat64() * mean
		return time.Duration(at)
	}
}

func TestGoodputUnderPoissonArrivals(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 10, 63, 64, 100, 1009, 10000} {
		for _, window := range []time.Duration{time.Millisecond, time.Hour} {
			for _, load := range []float64{1, 1.1, 3} {
				name := fmt.Sprintf("limit=%d/window=%v/load=%v", limit, window, load)
				t.Run(name, func(t *testing.T) {
					l := newLimiter(t, Config{Limit: limit, Window: window})
					exact := &exactLog{limit: limit, window: window}
					rng := rand.New(rand.NewPCG(uint64(limit), uint64(window)))
					next := arrivals(rng, load*float64(limit), window)

					var ours record
					var admitted []time.Duration
					end := window * time.Duration(max(10, 5000/limit))
					for at := next(); at < end; at = next() {
						if _, ok := allow(l, "c", at); ok {
							admitted = append(admitted, at)
						}
						exact.admit(at)
					}
					ours.add("c", admitted)
					ours.requireWithin(t, limit, window)
					goodput := float64(len(admitted)) / float64(len(exact.times))
					assert.GreaterOrEqual(t, goodput, 0.98, "%d admitted; an exact log admits %d", len(admitted), len(exact.times))
					t.Logf("goodput %.4f", goodput)
					if limit <= maxGroups {
						assert.Equal(t, exact.times, admitted, "a small limit is exact")
					}
				})
			}
		}
	}
}

// bursty returns times that come together, alone, and at the window's edges, more of them than the limit allows.
func bursty(rng *rand.Rand, limit int, window time.Duration) func() time.Duration {
	at := time.Duration(0)
	return func() time.Duration {
		if rng.IntN(limit+1) > 0 {
			return at
		}
		switch rng.IntN(8) {
		case 0:
			at += window
		case 1:
			at += window - 1
		case 2:
			at += window + 1
		case 3:
			at += time.Duration(rng.Int64N(int64(2 * window)))
		default:
			at += time.Duration(rng.Int64N(int64(window) / 16))
		}
		return at
	}
}

func TestRefusalMeansThatTheWindowIsAllButFull(t *testing.T) {
	const window = time.Second
	for _, limit := range []int{1, 3, 62, 63, 64, 65, 126, 127, 200, 1000} {
		t.Run(fmt.Sprintf("limit=%d", limit), func(t *testing.T) {
			l := newLimiter(t, Config{Limit: limit, Window: window})
			ours := &exactLog{window: window} // only to count in
			next := bursty(rand.New(rand.NewPCG(1, uint64(limit))), limit, window)
			slack := (limit+maxGroups-1)/maxGroups - 1
			refused := 0
			for range 50 * max(limit, 100) {
				at := next()
				held := ours.inWindow(at)
				if _, ok := allow(l, "c", at); ok {
					require.Less(t, held, limit, "admitted at %v", at)
					ours.times = append(ours.times, at)
				} else {
					require.GreaterOrEqual(t, held, limit-slack, "refused at %v", at)
					refused++
				}
			}
			assert.NotZero(t, refused)
		})
	}
}

func TestRetryAfterIsExact(t *testing.T) {
	const window = time.Second
	for _, limit := range []int{1, 2, 63, 64, 1000} {
		t.Run(fmt.Sprintf("limit=%d", limit), func(t *testing.T) {
			l := newLimiter(t, Config{Limit: limit, Window: window})
			next := bursty(rand.New(rand.NewPCG(2, uint64(limit))), limit, window)
			late := time.Duration(0) // as the test itself waits
			refused := 0
			for range 20 * max(limit, 100) {
				at := next() + late
				wait, ok := allow(l, "c", at)
				if ok {
					require.Zero(t, wait)
					continue
				}
				refused++
				require.Positive(t, wait)
				require.LessOrEqual(t, wait, window)
				sooner, ok := allow(l, "c", at+wait-1)
				require.False(t, ok, "admitted before the wait of %v was over", wait)
				require.Equal(t, time.Duration(1), sooner)
				_, ok = allow(l, "c", at+wait)
				require.True(t, ok, "refused after the wait of %v", wait)
				late += wait
			}
			assert.NotZero(t, refused)
		})
	}
}

func TestBurstsAtTheEdge(t *testing.T) {
	const window = time.Second
	for _, limit := range []int{1, 10, 100, 10000} {
		t.Run(fmt.Sprintf("limit=%d", limit), func(t *testing.T) {
			l := newLimiter(t, Config{Limit: limit, Window: window})
			burst := func(at time.Duration) (admitted int) {
				for range 2 * limit {
					if _, ok := allow(l, "c", at); ok {
						admitted++
					}
				}
				return admitted
			}
			// A counter that starts afresh at whole windows would admit both of the first two bursts.
			assert.Equal(t, limit, burst(window-1))
			assert.Equal(t, 0, burst(window))
			assert.Equal(t, 0, burst(2*window-2))
			assert.Equal(t, limit, burst(2*window-1), "the window is half-open: after its length there is room")
			assert.Equal(t, limit, burst(1000*window))
		})
	}
}

func TestLateReadings(t *testing.T) {
	const window = time.Second

	t.Run("look back from themselves", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 2, Window: window})
		for range 2 {
			_, ok := allow(l, "c", 0)
			require.True(t, ok)
		}
		_, ok := allow(l, "c", window)
		require.True(t, ok)
		wait, ok := allow(l, "c", window/2)
		require.False(t, ok, "taken for one at the latest time, it would be the third in the first window")
		assert.Equal(t, window/2, wait)
	})
	t.Run("do not let the client leave early", func(t *testing.T) {
		l := newLimiter(t, Config{Limit: 3, Window: window, Capacity: 1})
		for _, at := range []time.Duration{0, window / 2, 0} {
			_, ok := allow(l, "c", at)
			require.True(t, ok)
		}
		_, ok := allow(l, "newcomer", window)
		require.True(t, ok)
		assert.Equal(t, uint64(1), l.Totals().Shared, "the second request of c has not expired")
	})
	t.Run("do not make their group older", func(t *testing.T) {
		const limit = 2 * maxGroups // the first two admissions are one group
		l := newLimiter(t, Config{Limit: limit, Window: window})
		for i := range limit {
			at := window / 2
			if i == 1 {
				at = 0
			}
			_, ok := allow(l, "c", at)
			require.True(t, ok)
		}
		wait, ok := allow(l, "c", window)
		assert.False(t, ok, "the first has not expired")
		assert.Equal(t, window/2, wait)
	})
	t.Run("in any order", func(t *testing.T) {
		for _, limit := range []int{1, 2, 7, 63, 64, 500} {
			l := newLimiter(t, Config{Limit: limit, Window: window})
			rng := rand.New(rand.NewPCG(3, uint64(limit)))
			next := arrivals(rng, 3*float64(limit), window)
			var r record
			var admitted []time.Duration
			for range 100 * max(limit, 50) {
				at := max(0, next()-time.Duration(rng.ExpFloat64()*float64(window)/4))
				if _, ok := allow(l, "c", at); ok {
					admitted = append(admitted, at)
				}
			}
			r.add("c", admitted)
			r.requireWithin(t, limit, window)
			assert.Greater(t, len(admitted), 10*limit)
		}
	})
}

func TestReadingsBeyondTheRange(t *testing.T) {
	for _, window := range []time.Duration{time.Second, 1<<63 - 1} {
		for _, at := range []time.Duration{-1 << 63, -time.Hour, 1<<63 - 1} {
			t.Run(fmt.Sprintf("window=%v/at=%v", window, at), func(t *testing.T) {
				l := newLimiter(t, Config{Limit: 3, Window: window})
				admitted := 0
				for range 10 {
					if _, ok := allow(l, "c", at); ok {
						admitted++
					}
				}
				assert.Equal(t, 3, admitted)
			})
		}
	}
}
