package ratelimit

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exactLog is the sliding window as one would define it: it keeps every admission. Times must not fall.
type exactLog struct {
	limit  int
	window time.Duration
	times  []time.Duration
}

// inWindow returns how many admissions the window that ends at t holds.
func (l *exactLog) inWindow(t time.Duration) int {
	i, _ := slices.BinarySearch(l.times, t-l.window+1)
	return len(l.times) - i
}

func (l *exactLog) admit(t time.Duration) bool {
	if l.inWindow(t) >= l.limit {
		return false
	}
	l.times = append(l.times, t)
	return true
}

// record collects what clients were admitted, to be checked afterwards. It is safe for concurrent use.
type record struct {
	mu       sync.Mutex
	admitted map[string][]time.Duration
}

func (r *record) add(client string, times []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.admitted == nil {
		r.admitted = make(map[string][]time.Duration)
	}
	r.admitted[client] = append(r.admitted[client], times...)
}

// total returns the number of admissions of all clients.
func (r *record) total() (n int) {
	for _, times := range r.admitted {
		n += len(times)
	}
	return n
}

// requireWithin checks every window of every client: among limit+1 admissions in the order of their times,
// the first and last must be a window apart.
func (r *record) requireWithin(t *testing.T, limit int, window time.Duration) {
	t.Helper()
	for client, times := range r.admitted {
		slices.Sort(times)
		for i := limit; i < len(times); i++ {
			if span := times[i] - times[i-limit]; span < window {
				require.Failf(t, "over the limit", "client %q: %d admissions from %v on within %v; at most %d in %v are right",
					client, limit+1, times[i-limit], span, limit, window)
			}
		}
	}
}

func newLimiter(t testing.TB, cfg Config) *Limiter {
	t.Helper()
	l, err := New(cfg, nil)
	require.NoError(t, err)
	return l
}

// allow asks l at a time since its start.
func allow(l *Limiter, client string, t time.Duration) (time.Duration, bool) {
	return l.Allow([]byte(client), l.start.Add(t))
}
