package journal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"metricstream/pkg/metric"
)

// direct writes for each Append by itself: the caller's goroutine holds the lock from the write to the sync.
type direct struct {
	health *health

	mu       sync.Mutex
	store    *store      // guarded by mu
	bufs     [1][]byte   // guarded by mu; the argument of one write, so that it is not allocated for each
	retry    *time.Timer // guarded by mu; recovers a store that failed; nil before the first failure
	closed   bool        // guarded by mu
	closeErr error       // guarded by mu
}

func (d *direct) append(lines []byte, _ int, _ uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.health.refusal(); err != nil {
		return err
	}
	err := d.store.check(time.Now())
	if err == nil {
		d.bufs[0] = lines
		err = d.store.commit(d.bufs[:], len(lines))
		d.bufs[0] = nil
	}
	if err != nil {
		d.fail(err)
	}
	return err
}

// fail refuses Appends until the store recovers, which a timer tries: there may be no Append to try it with.
// The caller holds mu.
func (d *direct) fail(err error) {
	d.health.fail(err)
	d.retry = time.AfterFunc(time.Until(d.store.retryAt), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.closed && d.store.f == nil {
			_ = d.recover() // it says so itself
		}
	})
}

// recover begins a fresh file, or sees to it that it is tried again. The caller holds mu.
func (d *direct) recover() error {
	err := d.store.recover()
	if err != nil {
		d.fail(err)
	} else {
		d.health.heal()
	}
	return err
}

func (d *direct) reopen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return metric.ErrClosed
	case d.store.f == nil:
		d.retry.Stop()
		return d.recover()
	}
	return d.store.reopen()
}

func (d *direct) close(ctx context.Context) error {
	d.health.close()
	done := make(chan error, 1)
	go func() { done <- d.finish() }() // an Append whose sync hangs may hold the lock for longer than ctx
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("cannot close the journal in time: %w", ctx.Err())
	}
}

func (d *direct) finish() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		if d.retry != nil {
			d.retry.Stop()
		}
		d.closeErr = d.store.close()
	}
	return d.closeErr
}
