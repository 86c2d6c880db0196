package ratelimit

import (
	"sync/atomic"
	"time"
)

// maxSlots bounds the memory of one window: 512 bytes. One slot is always needed beside the groups,
// so up to 63 groups stand for the limit.
const (
	maxSlots  = 64
	maxGroups = maxSlots - 1
)

// rule is what all windows of a limiter have in common.
type rule struct {
	limit  uint64
	groups uint64 // into which every limit consecutive admissions are divided, as evenly as can be
	slots  int    // a power of two, more than groups
	length time.Duration
}

func newRule(limit int, length time.Duration) rule {
	groups := min(limit, maxGroups)
	slots := 2
	for slots <= groups {
		slots *= 2
	}
	return rule{limit: uint64(limit), groups: uint64(groups), slots: slots, length: length}
}

// window admits at most rule.limit requests in any time of rule.length.
//
// The idea: with the admissions numbered, number n+limit must come at least a window after number n. That is enough:
// of admissions less than a window apart, no two then have the same remainder when divided by limit.
// The argument is about the times as given, so it holds when they come out of order.
//
// A log of the last limit admissions would decide exactly, at 8 bytes each. Here the log is by groups of
// consecutive admissions, and a group is as young as the youngest in it. As n and n+limit are at the same place of
// their groups, one look at the group that is rule.groups before decides.
// Up to a limit of 63 a group is one admission, and the log exact. Beyond, if times come in order, a request is
// refused only if the window holds more than limit - ⌈limit/63⌉ admissions: at least 98.4% of the limit.
// Counters of sub-windows need as much memory and lose as much, but are not exact for small limits,
// and have to be cleared as time passes, which is hard to do right without a lock.
type window struct {
	// admitted is the number of admissions so far, with the bit retired set when no more can follow.
	// It changes by compare-and-swap only, and thereby decides every race.
	admitted atomic.Uint64

	// leaves holds for each group, modulo its length, when the last of the group's admissions leaves the window.
	// A slot only grows, and does so before the admission that it grows for is counted. A request that loses the race
	// to be counted may so leave its own time in the slot, which is later than it need be by as long as the race took.
	leaves []atomic.Int64
}

const retired = 1 << 63

func (w *window) slot(group uint64) *atomic.Int64 {
	return &w.leaves[group&uint64(len(w.leaves)-1)]
}

// admit decides on a request at time t. It is admitted if wait is 0; otherwise it would be after waiting so long.
// A window that is not live any more decides nothing.
func (r *rule) admit(w *window, t time.Duration) (wait time.Duration, live bool) {
	for {
		n := w.admitted.Load()
		if n&retired != 0 {
			return 0, false
		}
		group := n * r.groups / r.limit // n-limit is in group-groups
		gate := time.Duration(w.slot(group - r.groups).Load())
		if w.admitted.Load() != n {
			continue // the slot may have passed to a later group, and would refuse for no reason
		}
		if gate > t {
			return gate - t, true
		}
		raise(w.slot(group), int64(t+r.length))
		if w.admitted.CompareAndSwap(n, n+1) {
			return 0, true
		}
	}
}

// retire ends w if all its admissions have left the window at time t, and returns when the last of them had.
// A request that is just being admitted is then not counted, and finds w not live.
func (w *window) retire(t time.Duration) (expired time.Duration, ok bool) {
	n := w.admitted.Load()
	for i := range w.leaves {
		expired = max(expired, time.Duration(w.leaves[i].Load()))
		if expired > t {
			return 0, false
		}
	}
	return expired, w.admitted.CompareAndSwap(n, n|retired)
}

// fork gives w, which is new, the history of from, and lets it admit nothing before the time floor.
// No request may be decided by from meanwhile.
func (r *rule) fork(w, from *window, floor time.Duration) {
	w.leaves = make([]atomic.Int64, r.slots)
	for i := range w.leaves {
		w.leaves[i].Store(max(from.leaves[i].Load(), int64(floor)))
	}
	w.admitted.Store(from.admitted.Load())
}

func raise(a *atomic.Int64, v int64) {
	for {
		old := a.Load()
		if old >= v || a.CompareAndSwap(old, v) {
			return
		}
	}
}
