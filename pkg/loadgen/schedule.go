package loadgen

import (
	"sync"
	"time"
)

// schedule deals the arrivals of the open model to whichever connection is free next. One queue for all
// connections keeps what the generator adds small: with a schedule for each connection, one slow answer
// would delay requests while other connections are idle.
type schedule struct {
	warmUp time.Duration
	end    time.Duration // arrivals from here on are not intended; 0: no end
	limit  int           // of arrivals after the warm-up; 0: no limit

	mu     sync.Mutex
	pacer  Pacer           // guarded by mu, as are the fields below
	dealt  int             // arrivals dealt in all
	count  int             // of those, after the warm-up
	over   bool            // the pacer is past the end or the limit
	undone []time.Duration // arrivals handed back
}

// next deals an arrival, numbered from 0, and reports whether there was one.
func (s *schedule) next() (k int, due time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.limit > 0 && s.count == s.limit {
		return 0, 0, false
	}
	due = s.pacer.Next()
	if s.end > 0 && due >= s.end {
		s.over = true
		return 0, 0, false
	}
	k = s.dealt
	s.dealt++
	if due >= s.warmUp {
		s.count++
	}
	return k, due, true
}

// handBack says that a dealt arrival was not sent.
func (s *schedule) handBack(due time.Duration) {
	s.mu.Lock()
	s.undone = append(s.undone, due)
	s.mu.Unlock()
}

// unsent counts, once no connection takes arrivals any more, those of the measured part that were due by the
// time cut and not sent.
func (s *schedule) unsent(cut time.Duration) (n uint64) {
	for _, due := range s.undone {
		if due >= s.warmUp && due <= cut {
			n++
		}
	}
	for {
		_, due, ok := s.next()
		if !ok || due > cut {
			return n
		}
		if due >= s.warmUp {
			n++
		}
	}
}
