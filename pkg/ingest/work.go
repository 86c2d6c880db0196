package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"metricstream/pkg/metric"
)

// A work that grew beyond these is dropped instead of pooled, so that one large request does not stay for ever.
const (
	maxKeptLines = 4 << 20 // bytes; more than the lines of most bodies of 1 MiB
	maxKeptTags  = 1 << 16
)

// work is what a request needs between its body and its lines: exclusively its own until it is recycled.
type work struct {
	decoder metric.Decoder
	batch   metric.Batch // borrows the body or the decoder's scratch until its lines are made
	lines   []byte

	gunzip *gzip.Reader // made on first use
	source bytes.Reader // what gunzip reads
}

func (w *work) recycle(pool *sync.Pool) {
	if cap(w.lines) > maxKeptLines || cap(w.batch.Tags) > maxKeptTags {
		return
	}
	w.batch.Reset() // the pool keeps no request's body alive
	pool.Put(w)
}

// run serves a request whose body is here. It also answers a refusal, which may borrow from the decoder
// and the body, and so must be written before another request can use them.
func (w *work) run(x *exchange, body []byte) {
	body, plain, p := w.decompress(x, body)
	defer x.h.buffers.put(plain)
	if p.kind == none {
		p = w.store(x, body)
	}
	if p.kind != none {
		x.refuse(p)
	}
}

// store decodes the body, has its lines stored, and says so.
func (w *work) store(x *exchange, body []byte) problem {
	h := x.h
	begun := time.Since(x.started) // the monotonic clock alone, at half the price of time.Now
	err := w.decoder.Decode(&w.batch, body)
	h.metrics.decode.Observe((time.Since(x.started) - begun).Seconds())
	if h.cfg.Shadow != nil {
		h.cfg.Shadow.Offer(body)
	}
	var invalid metric.InvalidError
	if err != nil {
		p := classify(err)
		if p.kind != invalidMetrics {
			return p
		}
		h.metrics.rejected.Add(float64(p.invalid.Rejected))
		if !x.head.prefer.lenient || len(w.batch.Metrics) == 0 || p.invalid.Rejected == 0 {
			return p
		}
		invalid = *p.invalid
	}
	w.batch.Received = x.started.UnixNano()
	w.lines = w.batch.AppendJSONLines(w.lines[:0])
	record := metric.Record{
		Client:   x.client,
		Lines:    w.lines,
		Metrics:  len(w.batch.Metrics),
		Conn:     x.ctx.ConnID(),
		Received: x.started,
	}
	if x.sampled {
		record.Span = x.span
	}
	if err := h.sink.Append(record); err != nil {
		return problem{kind: sinkFault(err), cause: err}
	}
	h.metrics.accepted.Add(float64(record.Metrics))
	x.accept(record.Metrics, &invalid)
	return problem{}
}

// classify says what a decoder's error comes to.
func classify(err error) problem {
	var syntax *metric.SyntaxError
	var limit *metric.LimitError
	var invalid *metric.InvalidError
	switch {
	case errors.As(err, &syntax):
		return problem{kind: invalidJSON, detail: syntax.Detail, offset: syntax.Offset}
	case errors.As(err, &limit):
		return problem{kind: tooManyMetrics, detail: limit.Error()}
	case errors.As(err, &invalid):
		return problem{kind: invalidMetrics, invalid: invalid}
	}
	return problem{kind: internal, cause: err}
}

// sinkFault says what a sink's error comes to. One that is of no known class is a fault of the storage too.
func sinkFault(err error) kind {
	switch {
	case errors.Is(err, metric.ErrFull):
		return queueFull
	case errors.Is(err, metric.ErrClosed):
		return draining
	}
	return storageFailed
}

// describe is what the log may say of an error that could quote a client's input: its type and a short excerpt.
// The runtime's own errors quote nothing and are given whole.
func describe(err error) string {
	var own interface{ RuntimeError() }
	if errors.As(err, &own) {
		return err.Error()
	}
	return fmt.Sprintf("%T: %s", err, metric.Excerpt(err.Error()))
}
