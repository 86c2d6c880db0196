package metric

import (
	"errors"
	"time"
)

// Record is what one request asks a sink to keep. The sink copies what it keeps: the slices are valid during the call.
type Record struct {
	Client   []byte // identity
	Lines    []byte // whole JSON lines
	Metrics  int    // number of lines
	Conn     uint64 // requests of one connection keep their order
	Received time.Time
	Span     SpanContext // links the commit's span to the request's; zero when not sampled
}

// SpanContext is the identity of a sampled W3C trace context (https://www.w3.org/TR/trace-context/).
type SpanContext struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// The classes of a sink's errors.
var (
	ErrFull   = errors.New("queue is full")
	ErrClosed = errors.New("storage is closed")
	ErrFailed = errors.New("storage refused the write")
)
