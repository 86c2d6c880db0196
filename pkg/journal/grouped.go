package journal

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"metricstream/pkg/metric"
)

// grouped writes in groups: one goroutine, run, takes all that is queued, writes it with one writev(2) where the
// system lets it, syncs once, and releases all that wait for it.
type grouped struct {
	*queue
	stop     chan struct{}   // closed to begin closing
	stopOnce sync.Once       // closes stop
	reopens  chan chan error // answered by run, in order with the groups
	finished chan struct{}   // closed when run has returned, and closeErr is set
	closeErr error

	// All below belongs to run.
	store    *store
	waits    bool          // Appends wait for their group
	linger   time.Duration // how long lines wait for others; 0: not at all
	timer    *time.Timer
	deadline time.Time // when what is queued is to be written; zero when nothing is
	spare    [][]byte  // for each shard the buffer that it does not hold
	iov      [][]byte  // the parts of the group being written that are not empty
	keep     int       // buffers larger than that are let go when little of them is used
}

func startGrouped(q *queue, st *store, cfg Config) *grouped {
	w := &grouped{
		queue:    q,
		stop:     make(chan struct{}),
		reopens:  make(chan chan error),
		finished: make(chan struct{}),
		store:    st,
		waits:    cfg.Ack != Memory,
		timer:    time.NewTimer(0),
		spare:    make([][]byte, len(q.shards)),
		iov:      make([][]byte, 0, len(q.shards)),
		keep:     cfg.GroupBytes,
	}
	if cfg.Ack == Memory {
		w.linger = cfg.Linger
	}
	go w.run()
	return w
}

func (w *grouped) append(lines []byte, metrics int, conn uint64) error {
	g, err := w.queue.append(lines, metrics, conn)
	if err != nil || g == nil {
		return err
	}
	<-g.done
	return g.err
}

func (w *grouped) reopen() error {
	answer := make(chan error, 1)
	select {
	case w.reopens <- answer:
		return <-answer
	case <-w.finished:
		return metric.ErrClosed
	}
}

func (w *grouped) close(ctx context.Context) error {
	w.health.close()
	w.stopOnce.Do(func() { close(w.stop) })
	select {
	case <-w.finished:
		return w.closeErr
	case <-ctx.Done():
		return fmt.Errorf("cannot close the journal in time: %w", ctx.Err())
	}
}

func (w *grouped) run() {
	defer close(w.finished)
	for w.pause() {
		if w.store.f == nil {
			_ = w.recover() // it says so itself
		} else {
			w.commit()
		}
	}
	w.closeErr = w.finish()
}

// finish writes what is left in the queue, or accounts for it.
func (w *grouped) finish() error {
	if w.store.f == nil {
		_ = w.recover() // a last attempt, for the lines that were acknowledged from memory
	}
	if w.store.f != nil {
		w.commit() // Close has refused Appends before: nothing comes after what this takes
	}
	if w.store.f == nil {
		w.abandon()
	}
	return w.store.close()
}

// never is the pause when only an event can end it.
const never time.Duration = math.MaxInt64

// pause waits until a group, or an attempt to recover, is due. It reports false when the journal is to close.
func (w *grouped) pause() bool {
	for {
		var tick <-chan time.Time
		due := w.due()
		if due <= 0 { // only look whether something else is to be done before
			select {
			case answer := <-w.reopens:
				answer <- w.reopenFile()
				continue
			case <-w.stop:
				return false
			default:
				return true
			}
		}
		if due < never {
			w.timer.Reset(due)
			tick = w.timer.C
		}
		select {
		case <-tick:
		case <-w.wake:
		case answer := <-w.reopens:
			answer <- w.reopenFile()
		case <-w.stop:
			return false
		}
	}
}

func (w *grouped) due() time.Duration {
	queued := w.bytes.Load()
	switch {
	case w.store.f == nil:
		return time.Until(w.store.retryAt)
	case queued == 0:
		w.deadline = time.Time{}
		return never
	case w.linger == 0 || queued >= w.threshold:
		return 0
	case w.deadline.IsZero():
		w.deadline = time.Now().Add(w.linger)
	}
	return time.Until(w.deadline)
}

// commit takes what is queued, and writes it.
func (w *grouped) commit() {
	if w.linger == 0 {
		// Let the requests that could run now join the group. They are about to: those that the last group
		// released, and those that the poller found meanwhile.
		runtime.Gosched()
	}
	now := time.Now()
	if err := w.store.check(now); err != nil {
		w.fail(err)
		return
	}
	// Whatever comes after the first shard is taken came after now.
	w.deadline = now.Add(w.linger)
	g, n, metrics := w.take()
	if n == 0 {
		return
	}
	err := w.store.commit(w.iov, n)
	if err == nil {
		w.release(g, n, nil)
		return
	}
	w.health.fail(err) // before the waiters hear of it, so that Healthy agrees with what they were told
	w.lose(metrics, err)
	w.release(g, n, err)
	w.fail(err)
}

// take empties the shards into spare and iov, and sends what comes after to another group.
func (w *grouped) take() (g *group, n, metrics int) {
	var next *group
	if w.waits {
		next = newGroup()
	}
	w.iov = w.iov[:0]
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		s.buf, w.spare[i] = w.spare[i], s.buf
		metrics += s.metrics
		s.metrics = 0
		g, s.group = s.group, next
		s.mu.Unlock()
		if len(w.spare[i]) > 0 {
			w.iov = append(w.iov, w.spare[i])
			n += len(w.spare[i])
		}
	}
	return g, n, metrics
}

// release empties what take took, and lets go those that wait for it.
func (w *grouped) release(g *group, n int, err error) {
	for i, b := range w.spare {
		if cap(b) > w.keep && len(b) < cap(b)/4 {
			b = nil
		}
		w.spare[i] = b[:0]
	}
	clear(w.iov)
	w.bytes.Add(-int64(n))
	if g != nil {
		g.err = err
		close(g.done)
	}
}

// fail refuses Appends until recover succeeds. What waits in the queue fails with it;
// what was acknowledged from memory stays there, for the fresh file.
func (w *grouped) fail(err error) {
	w.health.fail(err)
	if w.waits {
		w.abandon()
	}
}

// abandon fails what is queued.
func (w *grouped) abandon() {
	g, n, metrics := w.take()
	w.lose(metrics, w.store.failure)
	w.release(g, n, w.store.failure)
}

// lose accounts for metrics that were acknowledged from memory and will not be written.
func (w *grouped) lose(metrics int, cause error) {
	if w.waits || metrics == 0 {
		return
	}
	w.store.m.lost.Add(float64(metrics))
	w.store.log.Error("metrics acknowledged from memory are lost", "metrics", metrics, "error", cause)
}

func (w *grouped) recover() error {
	err := w.store.recover()
	if err != nil {
		w.health.fail(err)
	} else {
		w.health.heal()
	}
	return err
}

func (w *grouped) reopenFile() error {
	if w.store.f == nil {
		return w.recover()
	}
	return w.store.reopen()
}
