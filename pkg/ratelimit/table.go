package ratelimit

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// sweepBuckets is how many buckets a newcomer clears of expired entries before it asks for room.
// So the table is full only about when that many clients are live, no newcomer waits for a sweep of all of it,
// and no goroutine has to be started and stopped.
const sweepBuckets = 8

// entry is one client in the table. It fills a cache line, so clients do not disturb one another.
type entry struct {
	next atomic.Pointer[entry] // in the same bucket
	hash uint64
	key  string
	window
}

// table maps clients to their windows. Its chains are read without a lock; one goroutine at a time may change them.
// A reader may miss an entry that is put in meanwhile and find one that is taken out: the latter's window is retired.
// The number of buckets is a power of two.
type table []atomic.Pointer[entry]

func newTable(capacity int) table { return make(table, 1<<bits.Len(uint(capacity-1))) }

func (t table) bucket(hash uint64) *atomic.Pointer[entry] { return &t[hash&uint64(len(t)-1)] }

func (t table) find(hash uint64, key []byte) *entry {
	for e := t.bucket(hash).Load(); e != nil; e = e.next.Load() {
		if e.hash == hash && e.key == string(key) {
			return e
		}
	}
	return nil
}

// insert puts e in, whose key must not be there.
func (t table) insert(e *entry) {
	b := t.bucket(e.hash)
	e.next.Store(b.Load())
	b.Store(e)
}

// sweep takes the entries that are expired at time now out of sweepBuckets buckets from number hand on.
// It returns how many there were, and when the last of them expired.
func (t table) sweep(hand uint64, now time.Duration) (n int, latest time.Duration) {
	for i := range uint64(min(sweepBuckets, len(t))) {
		link := t.bucket(hand + i)
		for e := link.Load(); e != nil; e = link.Load() {
			expired, ok := e.retire(now)
			if !ok {
				link = &e.next
				continue
			}
			link.Store(e.next.Load()) // readers that stand on e go on by its next, which stays
			n, latest = n+1, max(latest, expired)
		}
	}
	return n, latest
}
