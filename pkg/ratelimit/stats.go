package ratelimit

import (
	"sync/atomic"
	"time"
)

// Counts are decisions made in some time.
type Counts struct {
	Allowed, Limited uint64
	Shared           uint64 // of both, those on clients that shared one window for want of room
}

// The counters of a stripe, and their order.
const (
	allowed = iota
	limited
	sharing
	counters
)

const (
	stripes = 16 // a power of two; requests of one client keep to one
	seconds = 64 // a power of two, above the length of LastMinute
)

// stats counts decisions, in total and for each of the last seconds, striped by client:
// a counter that every request writes would pass from core to core.
type stats [stripes]struct {
	total [counters]atomic.Uint64
	ring  [seconds][counters]tally // by second, modulo its length
	_     [104]byte                // to a multiple of 128: neighbouring cache lines are fetched in pairs
}

// tally is a count in the lower half, and the second since the start that it is of in the upper half:
// one word, so that a slot passes to its next second without a lock, and no decision is lost.
type tally struct{ atomic.Uint64 }

func (a *tally) add(second uint32) {
	for {
		v := a.Load()
		if uint32(v>>32) >= second {
			a.Add(1) // should the slot pass to its next second meanwhile, the decision counts there
			return
		}
		if a.CompareAndSwap(v, uint64(second)<<32|1) {
			return
		}
	}
}

func (a *tally) of(second uint32) uint64 {
	v := a.Load()
	if uint32(v>>32) != second {
		return 0
	}
	return v & (1<<32 - 1)
}

func (s *stats) count(hash uint64, t time.Duration, ok, shared bool) {
	stripe := &s[hash>>32%stripes] // not the bits that choose the bucket
	second := uint32(t / time.Second)
	slot := &stripe.ring[second%seconds]
	decision := limited
	if ok {
		decision = allowed
	}
	stripe.total[decision].Add(1)
	slot[decision].add(second)
	if shared {
		stripe.total[sharing].Add(1)
		slot[sharing].add(second)
	}
}

// Totals returns the decisions since the start.
func (l *Limiter) Totals() Counts {
	var c Counts
	for i := range l.stats {
		total := &l.stats[i].total
		c.Allowed += total[allowed].Load()
		c.Limited += total[limited].Load()
		c.Shared += total[sharing].Load()
	}
	return c
}

// LastMinute returns the decisions of each of the last 60 seconds; the last of them is that of now, and not over yet.
func (l *Limiter) LastMinute(now time.Time) (minute [60]Counts) {
	this := int(l.reading(now) / time.Second)
	for i := range minute {
		second := this - len(minute) + 1 + i
		if second < 0 {
			continue
		}
		c := &minute[i]
		for j := range l.stats {
			slot := &l.stats[j].ring[second%seconds]
			c.Allowed += slot[allowed].of(uint32(second))
			c.Limited += slot[limited].of(uint32(second))
			c.Shared += slot[sharing].of(uint32(second))
		}
	}
	return minute
}
