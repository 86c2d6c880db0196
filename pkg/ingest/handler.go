// Package ingest is the HTTP side of the service: it identifies the client, asks the limiter, reads and decodes
// the body, hands encoded lines to a sink, and answers. It knows neither the engine, nor the limiter, nor the storage.
package ingest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"metricstream/pkg/metric"
)

// Sink stores encoded lines. Append returns once they are as durable as the sink was configured to make them,
// and copies what it keeps. Its errors match metric.ErrFull, metric.ErrClosed or metric.ErrFailed.
type Sink interface{ Append(metric.Record) error }

// Limiter admits or refuses a client, whose identity is borrowed for the call.
// When it refuses, retryAfter is the wait until one request would be admitted.
type Limiter interface {
	Allow(client []byte, now time.Time) (retryAfter time.Duration, ok bool)
}

// Shadow is shown the bodies that were decoded. It copies what it keeps, and does not hold up the request.
type Shadow interface{ Offer(body []byte) }

// Config is all by which one Handler differs from another.
type Config struct {
	Engine     string // label of the decoding metrics
	NewDecoder func() metric.Decoder
	Shadow     Shadow // nil is off
	Ack        string // what a sink's success means: "memory" is answered 202, "written" and "synced" 200

	MaxBodyBytes int // of a body as it came and of a body after decompression
	MaxInFlight  int // bodies decoded and stored at once, the others wait; 0 is unbounded

	RateLimit  int           // requests of one client in RateWindow: what a refusal tells the client;
	RateWindow time.Duration // enforcing it is the Limiter's part

	// Keys maps the SHA-256 of each valid key to its client's name; Authorization is then "Bearer <key>".
	// If Keys is nil, Authorization is the client's identity itself.
	Keys map[[32]byte]string

	AdminAddr string                                         // where the service's own metrics are
	Health    func(verbose bool) (ready bool, report string) // for /readyz; nil is always ready

	MaxHeaderBytes int           // of the request line and the header fields together
	ReadTimeout    time.Duration // from a request's first byte to its last
	WriteTimeout   time.Duration // of a response
	IdleTimeout    time.Duration // between the requests of a connection
}

// Handler answers requests. It is safe for concurrent use.
type Handler struct {
	cfg     Config
	sink    Sink
	limiter Limiter // nil is off
	log     *slog.Logger
	metrics *metrics
	gate    logGate

	keys       map[[32]byte][]byte
	idPrefix   string // of generated correlation ids: tells processes apart
	idCount    atomic.Uint64
	ratePolicy string // the value of RateLimit-Policy
	where      string // what GET /metrics is told

	exchanges sync.Pool // of *exchange
	works     sync.Pool // of *work
	reads     sync.Pool // of *readBuffer
	buffers   *bufferPool
	zstd      *zstd.Decoder

	slots    chan struct{} // holds one element for each request in its work; nil is unbounded
	drain    sync.Once
	draining chan struct{} // closed by Drain
}

// New returns a Handler whose metrics are registered at reg, unless reg is nil. A nil log drops everything.
func New(cfg Config, sink Sink, limiter Limiter, log *slog.Logger, reg prometheus.Registerer) (*Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("cannot set up ingestion: %w", err)
	}
	if sink == nil {
		return nil, errors.New("cannot set up ingestion: no sink")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(cfg.Engine, reg)
	if err != nil {
		return nil, fmt.Errorf("cannot set up ingestion: %w", err)
	}
	dec, err := newZstd(cfg.MaxBodyBytes)
	if err != nil {
		return nil, fmt.Errorf("cannot set up zstd: %w", err)
	}
	h := &Handler{
		cfg:      cfg,
		sink:     sink,
		limiter:  limiter,
		log:      log,
		metrics:  m,
		idPrefix: rand.Text()[:13] + "-", // 65 random bits
		where:    "metrics are sent here with POST",
		buffers:  newBufferPool(cfg.MaxBodyBytes),
		zstd:     dec,
		draining: make(chan struct{}),
	}
	if cfg.AdminAddr != "" {
		h.where += "; the service's own metrics are at http://" + cfg.AdminAddr + "/metrics"
	}
	if limiter != nil {
		h.ratePolicy = `"client";q=` + strconv.Itoa(cfg.RateLimit) + ";w=" + strconv.Itoa(seconds(cfg.RateWindow))
	}
	if cfg.Keys != nil {
		h.keys = make(map[[32]byte][]byte, len(cfg.Keys))
		for sum, name := range cfg.Keys {
			h.keys[sum] = []byte(name)
		}
	}
	if cfg.MaxInFlight > 0 {
		h.slots = make(chan struct{}, cfg.MaxInFlight)
	}
	h.exchanges.New = func() any { return &exchange{h: h} }
	h.works.New = func() any { return &work{decoder: cfg.NewDecoder()} }
	h.reads.New = func() any { return new(readBuffer) }
	return h, nil
}

func (c *Config) check() error {
	switch {
	case c.NewDecoder == nil:
		return errors.New("no decoder")
	case c.Ack != "memory" && c.Ack != "written" && c.Ack != "synced":
		return fmt.Errorf("ack is %q; memory, written or synced is required", c.Ack)
	case c.MaxBodyBytes <= 0:
		return fmt.Errorf("the body limit is %d bytes; it must be positive", c.MaxBodyBytes)
	case c.MaxInFlight < 0:
		return fmt.Errorf("the limit on requests in flight is %d; it must not be negative", c.MaxInFlight)
	case c.Keys != nil && len(c.Keys) == 0:
		return errors.New("keys are required of clients, but there is none")
	}
	return nil
}

// Drain makes every POST from now on, and those that wait for their turn, a 503, and ends each connection
// with its next response. Requests at work are finished.
func (h *Handler) Drain() { h.drain.Do(func() { close(h.draining) }) }

func (h *Handler) isDraining() bool {
	select {
	case <-h.draining:
		return true
	default:
		return false
	}
}

// Handle answers one request. It is what HTTPServer serves; the lab and the tests also call it directly,
// with a request whose body is read already.
func (h *Handler) Handle(ctx *fasthttp.RequestCtx) {
	c, _ := ctx.Conn().(*conn)
	x := h.begin(ctx, c)
	defer h.finish(x)
	p := x.admit()
	if p.kind == none {
		p = x.answer()
	}
	if p.kind != none {
		x.refuse(p)
	}
}

// acquire takes a slot for one request's work and reports false when the handler began to drain first.
func (h *Handler) acquire() bool {
	if h.slots == nil {
		return true
	}
	select {
	case h.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case h.slots <- struct{}{}:
		return true
	case <-h.draining:
		return false
	}
}

func (h *Handler) release() {
	if h.slots != nil {
		<-h.slots
	}
}

// seconds rounds d up to whole seconds, which is the unit of Retry-After and of the RateLimit fields:
// a client that keeps to the rounded value is never refused for it.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
