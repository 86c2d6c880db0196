package loadgen

import (
	"context"
	"math"
	"time"
)

// worker is the goroutine of one connection.
type worker struct {
	*run
	number  int
	client  client
	sleeper *sleeper // nil when the model never waits
	shard   *shard
	outcome outcome // of the last request; a field, so that it is not allocated for each
}

func (w *worker) work(ctx context.Context) {
	if w.schedule != nil {
		w.open(ctx)
	} else {
		w.closed(ctx)
	}
}

// open sends arrivals of the schedule as they come due, late ones at once.
func (w *worker) open(ctx context.Context) {
	giveUp := time.Duration(math.MaxInt64)
	if w.Duration > 0 {
		giveUp = w.end + w.Drain
	}
	for {
		k, due, ok := w.schedule.next()
		if !ok {
			return
		}
		free := time.Since(w.start)
		now := free
		if due > now {
			if !w.sleeper.sleep(due - now) {
				w.schedule.handBack(due)
				return
			}
			now = time.Since(w.start)
		}
		if now > giveUp || ctx.Err() != nil {
			w.schedule.handBack(due)
			return
		}
		w.outcome.lag = now - max(due, free)
		w.send(ctx, k, due, now)
	}
}

// dialPause keeps clients of the closed model from turning into a loop of dials when no server is there.
const dialPause = 10 * time.Millisecond

// closed sends one request after the other.
func (w *worker) closed(ctx context.Context) {
	quota := math.MaxInt
	if w.Requests > 0 {
		quota = w.Requests / w.Connections
		if w.number < w.Requests%w.Connections {
			quota++
		}
	}
	lag := time.Duration(-1) // nothing was waited for
	now := time.Since(w.start)
	for k := 0; quota > 0 && now < w.end && ctx.Err() == nil; k++ {
		if now >= w.WarmUp {
			quota--
		}
		w.outcome.lag = lag
		now = w.send(ctx, w.number+k, now, now)
		pause := w.Think
		if !w.outcome.sent {
			pause = max(pause, dialPause)
		}
		lag = -1
		if pause > 0 && quota > 0 {
			due := now + pause
			if !w.pause(ctx, pause) {
				return
			}
			now = time.Since(w.start)
			lag = now - due
		}
	}
}

// pause waits for d and reports whether it did so to the end.
func (w *worker) pause(ctx context.Context, d time.Duration) bool {
	if w.sleeper != nil {
		return w.sleeper.sleep(d)
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// send sends the request of number k at the time now, records how it ended, and returns when.
// Latency counts from due; outcome.lag is already set.
func (w *worker) send(ctx context.Context, k int, due, now time.Duration) (end time.Duration) {
	body := k % len(w.tails)
	in, out := w.client.responses.received, w.client.written
	o := &w.outcome
	o.status, o.sent, o.err = w.client.do(ctx, now, w.tails[body])
	end = time.Since(w.start)
	o.cause = ""
	if o.err != nil {
		o.cause = causeOf(o.err)
		if ctx.Err() != nil {
			o.cause = Abandoned
		}
	}
	if due < w.WarmUp {
		return end
	}
	o.metrics = w.Bodies[body].Metrics
	o.latency = end - due
	o.in, o.out = w.client.responses.received-in, w.client.written-out
	w.shard.add(o)
	return end
}
