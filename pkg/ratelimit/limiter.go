// Package ratelimit limits how many requests each client may make in a sliding window of time,
// in bounded memory whatever the number of clients.
package ratelimit

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of Config.Capacity.
const (
	DefaultCapacity = 1 << 16
	MaxCapacity     = 1 << 24
)

// Config says what a Limiter allows.
type Config struct {
	Limit    int           // requests per window and client
	Window   time.Duration // length of the sliding window
	Capacity int           // clients tracked at most; 0 is DefaultCapacity
}

func (c Config) validate() error {
	switch {
	case c.Limit <= 0:
		return fmt.Errorf("cannot limit to %d requests: at least 1 is required", c.Limit)
	case c.Window <= 0:
		return fmt.Errorf("cannot limit over a window of %v: it must be positive", c.Window)
	case c.Capacity < 0 || c.Capacity > MaxCapacity:
		return fmt.Errorf("cannot track %d clients: 1 to %d, or 0 for the default of %d, are possible",
			c.Capacity, MaxCapacity, DefaultCapacity)
	}
	return nil
}

// Limiter admits at most Config.Limit requests of a client in any half-open interval of length Config.Window.
// It is safe for concurrent use, and takes no lock for a client that it knows.
//
// Memory: 8 bytes for each client of the capacity, rounded up to a power of two, at the start;
// and for each tracked client 64 bytes, its name, and 16 (for a limit of 1) to 512 bytes (from 32 on) of history.
// With the default capacity that is 0.5 MiB, and up to 36 MiB beside the names.
//
// A client is tracked from its first request on. It can leave when its last admission has left the window,
// and does when newcomers come upon it: each looks at a few entries. One that then finds no room shares a window,
// with the limit of one client, with all others in that place until it finds some. Clients in the table do not notice.
type Limiter struct {
	rule  rule
	start time.Time
	seed  maphash.Seed // of the table's hash, so that nobody can choose names that fall into one bucket
	stats *stats
	table table

	_ [128]byte // newcomers write below, every request reads above: a flood of names must not slow known clients

	clients atomic.Int64 // in the table; changes under mu
	room    int64

	mu      sync.Mutex
	hand    uint64        // the bucket where the next sweep begins; guarded by mu
	shared  window        // of newcomers without room; guarded by mu
	horizon time.Duration // when the last admission of all clients that have left expired; guarded by mu
}

// New returns a Limiter and registers its metrics with reg, unless that is nil.
func New(cfg Config, reg prometheus.Registerer) (*Limiter, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Capacity == 0 {
		cfg.Capacity = DefaultCapacity
	}
	r := newRule(cfg.Limit, cfg.Window)
	l := &Limiter{
		rule:   r,
		start:  time.Now(),
		seed:   maphash.MakeSeed(),
		stats:  new(stats),
		table:  newTable(cfg.Capacity),
		room:   int64(cfg.Capacity),
		shared: window{leaves: make([]atomic.Int64, r.slots)},
	}
	if reg != nil {
		if err := reg.Register(collector{l}); err != nil {
			return nil, fmt.Errorf("cannot register the limiter's metrics: %w", err)
		}
	}
	return l, nil
}

// Allow decides on a request of client at the time now, which should carry a monotonic clock reading.
// When it refuses, one request would be admitted after retryAfter, and none before, if no other is meanwhile.
// Calls may come in another order than their times: the limit holds over the times as given.
// client is copied if it is kept.
func (l *Limiter) Allow(client []byte, now time.Time) (retryAfter time.Duration, ok bool) {
	t := l.reading(now)
	hash := maphash.Bytes(l.seed, client)
	if e := l.table.find(hash, client); e != nil {
		if wait, live := l.rule.admit(&e.window, t); live {
			l.stats.count(hash, t, wait == 0, false)
			return wait, wait == 0
		}
	}
	wait, shared := l.admitNewcomer(hash, client, t)
	l.stats.count(hash, t, wait == 0, shared)
	return wait, wait == 0
}

// reading returns now as the time since the start, kept to a range in which adding a window does not overflow:
// requests beyond either end are limited as if they came at that end.
func (l *Limiter) reading(now time.Time) time.Duration {
	return min(max(now.Sub(l.start), 0), math.MaxInt64-l.rule.length)
}

// admitNewcomer decides on a request of a client that is not in the table, and gives it an entry if there is room.
// All of this is under the lock: decided outside, a request could be admitted by the shared window
// after its client's own was made, and count in neither.
func (l *Limiter) admitNewcomer(hash uint64, client []byte, t time.Duration) (wait time.Duration, shared bool) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if e := l.table.find(hash, client); e != nil { // put in since; it can be taken out only under the lock
		wait, _ = l.rule.admit(&e.window, t)
		return wait, false
	}
	// The client may be one that has left, and t so late that what it was admitted then has not expired by t.
	if t < l.horizon {
		return l.horizon - t, false
	}
	n, latest := l.table.sweep(l.hand, t)
	l.hand += sweepBuckets
	l.horizon = max(l.horizon, latest)
	clients := l.clients.Add(int64(-n))
	if clients >= l.room {
		wait, _ = l.rule.admit(&l.shared, t)
		return wait, true
	}
	// The client may have been admitted by the shared window, which does not say whom it admitted.
	// So it starts with that window's history: it waits no longer than it would have there.
	// And it may be one that has left, whose next requests come late.
	e := &entry{hash: hash, key: string(client)}
	l.rule.fork(&e.window, &l.shared, l.horizon)
	wait, _ = l.rule.admit(&e.window, t)
	l.table.insert(e)
	l.clients.Add(1)
	return wait, false
}

// Clients returns how many clients are tracked. Those that may leave but have not yet are among them.
func (l *Limiter) Clients() int { return int(l.clients.Load()) }
