package journal

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"metricstream/pkg/metric"
)

// maxShards is well below IOV_MAX (1024), so that one writev(2) takes a group.
const maxShards = 64

// queue is the lines between the requests and the writer: a buffer per shard, and one bound over all of them.
// A connection keeps to one shard, so that its order holds.
type queue struct {
	shards    []shard // a power of two
	health    *health
	bytes     atomic.Int64 // queued, those that the writer has taken and not yet released included
	capacity  int64
	threshold int64 // so many bytes end the writer's waiting for more
	rejected  atomic.Uint64
	wake      chan struct{} // holds a token when the writer should look at the queue
}

// shard is one part of the queue, on cache lines of its own.
type shard struct {
	mu      sync.Mutex
	buf     []byte // guarded by mu
	metrics int    // in buf; guarded by mu
	group   *group // which will take buf; guarded by mu; nil when nobody waits for groups
	_       [128 - 48]byte
}

// group is what the Appends that wait for one commit share.
type group struct {
	done chan struct{} // closed when err is set
	err  error
}

func newGroup() *group { return &group{done: make(chan struct{})} }

func newQueue(cfg Config, h *health) *queue {
	n := 1
	for n < min(4*runtime.GOMAXPROCS(0), maxShards) { // few Appends that run at the same time meet in one of so many
		n *= 2
	}
	q := &queue{
		shards:    make([]shard, n),
		health:    h,
		capacity:  int64(cfg.CapacityBytes),
		threshold: int64(min(cfg.GroupBytes, cfg.CapacityBytes)),
		wake:      make(chan struct{}, 1),
	}
	if cfg.Ack != Memory {
		g := newGroup()
		for i := range q.shards {
			q.shards[i].group = g
		}
	}
	return q
}

// append copies lines into the queue. If their group is nil, the queue is all that they need to be in.
func (q *queue) append(lines []byte, metrics int, conn uint64) (*group, error) {
	n := int64(len(lines))
	s := &q.shards[conn&uint64(len(q.shards)-1)]
	s.mu.Lock()
	// Looked at under the lock: once the writer has said no and then taken every shard, nothing more gets in.
	if err := q.health.refusal(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	// Counted under the lock: whoever sees the bytes in the count finds them in the shard.
	before, ok := q.reserve(n)
	if !ok {
		s.mu.Unlock()
		q.rejected.Add(1)
		return nil, metric.ErrFull
	}
	if free := cap(s.buf) - len(s.buf); free < len(lines) {
		s.buf = slices.Grow(s.buf, max(len(lines), cap(s.buf))) // doubled: append alone adds a quarter at a time
	}
	s.buf = append(s.buf, lines...)
	s.metrics += metrics
	g := s.group
	s.mu.Unlock()
	// To wake the writer for each Append would cost more than all of the above. In between these two
	// it knows that there is something, and looks again by itself before it sleeps.
	if before == 0 || before < q.threshold && before+n >= q.threshold {
		select {
		case q.wake <- struct{}{}:
		default: // there is a token already
		}
	}
	return g, nil
}

// reserve makes room for n bytes, or for none of them, and returns how many were there before.
func (q *queue) reserve(n int64) (before int64, ok bool) {
	for {
		before = q.bytes.Load()
		if n > q.capacity-before {
			return before, false
		}
		if q.bytes.CompareAndSwap(before, before+n) {
			return before, true
		}
	}
}
