// Package shadow decodes a share of live requests with a second engine, off the requests' path, and compares the two:
// a way to choose an engine on production traffic without risking it.
package shadow

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"metricstream/pkg/metric"
)

// Engine is a decoder by its name.
type Engine struct {
	Name string
	New  func() metric.Decoder
}

// Config says what is compared with what, and how often.
type Config struct {
	Live, Shadow Engine
	Sample       float64 // share of requests, above 0 and at most 1
	Quarantine   string  // path of the file that keeps bodies on which the engines differ

	QuarantineBytes int64 // size of that file at most; 0 is DefaultQuarantineBytes
}

// DefaultQuarantineBytes bounds the quarantine file.
const DefaultQuarantineBytes = 16 << 20

// waiting is how many bodies may wait to be compared. When it is full a sample is dropped and counted: the comparison
// may lag behind, but never hold up a request or grow.
const waiting = 64

// keptBody is how large a body's copy may have been and still be reused.
const keptBody = 256 << 10

// Shadow compares bodies that it is offered. It is safe for concurrent use.
type Shadow struct {
	cfg       Config
	log       *slog.Logger
	threshold uint64
	queue     chan []byte
	free      chan []byte // buffers that the comparing goroutine is done with
	closing   sync.RWMutex
	closed    bool // guarded by closing
	done      chan struct{}

	dropped    atomic.Uint64
	compared   prometheus.Counter
	mismatches prometheus.Counter
	withheld   prometheus.Counter
	seconds    *prometheus.HistogramVec

	// All below belongs to the comparing goroutine.
	live, shadow side
	turn         bool
	file         *os.File
	size         int64
}

// side is one engine with what it needs, and the time that it took.
type side struct {
	decoder metric.Decoder
	batch   metric.Batch
	seconds prometheus.Observer
}

// New starts to compare. Metrics go to reg unless it is nil.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Shadow, error) {
	if !(cfg.Sample > 0 && cfg.Sample <= 1) {
		return nil, fmt.Errorf("cannot sample a share of %v: above 0 and at most 1 is required", cfg.Sample)
	}
	if cfg.QuarantineBytes == 0 {
		cfg.QuarantineBytes = DefaultQuarantineBytes
	}
	s := &Shadow{
		cfg: cfg, log: log,
		threshold: uint64(cfg.Sample * (1 << 32)),
		queue:     make(chan []byte, waiting),
		free:      make(chan []byte, waiting),
		done:      make(chan struct{}),
	}
	if err := s.register(reg); err != nil {
		return nil, fmt.Errorf("cannot register the shadow's metrics: %w", err)
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("cannot open the quarantine file: %w", err)
	}
	s.live = side{decoder: cfg.Live.New(), seconds: s.seconds.WithLabelValues(cfg.Live.Name)}
	s.shadow = side{decoder: cfg.Shadow.New(), seconds: s.seconds.WithLabelValues(cfg.Shadow.Name)}
	go s.run()
	return s, nil
}

func (s *Shadow) register(reg prometheus.Registerer) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "metricstream_shadow_" + name, Help: help})
	}
	s.compared = counter("compared_total", "Bodies that both engines decoded.")
	s.mismatches = counter("mismatches_total", "Bodies on which the engines differed.")
	s.withheld = counter("quarantine_withheld_total", "Differing bodies for which the quarantine file had no room.")
	s.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "metricstream_shadow_decode_duration_seconds",
		Help:    "Time to decode a sampled body, by engine. Both decode the same bodies, in turns the one or the other first.",
		Buckets: prometheus.ExponentialBuckets(1e-6, 2, 16), // 1 µs to 33 ms
	}, []string{"engine"})
	if reg == nil {
		return nil
	}
	return errors.Join(
		reg.Register(s.compared), reg.Register(s.mismatches), reg.Register(s.withheld), reg.Register(s.seconds),
		reg.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "metricstream_shadow_dropped_total",
			Help: "Sampled bodies that were not compared because too many were waiting.",
		}, func() float64 { return float64(s.dropped.Load()) })),
	)
}

func (s *Shadow) open() error {
	f, err := os.OpenFile(s.cfg.Quarantine, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) // bodies are clients' data
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.file, s.size = f, info.Size()
	return nil
}

// Offer has body compared if it is one of the sample. It copies body, and never waits.
func (s *Shadow) Offer(body []byte) {
	if uint64(rand.Uint32()) >= s.threshold {
		return
	}
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return
	}
	if len(s.queue) == cap(s.queue) { // before the copy; the select below decides
		s.dropped.Add(1)
		return
	}
	var buf []byte
	select {
	case buf = <-s.free:
	default:
	}
	select {
	case s.queue <- append(buf[:0], body...):
	default:
		s.dropped.Add(1)
	}
}

// Close compares what is waiting, and ends.
func (s *Shadow) Close() error {
	s.closing.Lock()
	first := !s.closed
	s.closed = true
	s.closing.Unlock()
	if !first {
		return nil
	}
	close(s.queue)
	<-s.done
	return s.file.Close()
}

func (s *Shadow) run() {
	defer close(s.done)
	for body := range s.queue {
		s.compare(body)
		if cap(body) <= keptBody {
			select {
			case s.free <- body:
			default:
			}
		}
	}
}

// compare decodes body with both engines here, the live one again: so both are timed under the same conditions,
// and the request did not have to wait for its batch to be copied.
func (s *Shadow) compare(body []byte) {
	var live, shadow metric.Reading
	if s.turn = !s.turn; s.turn {
		live, shadow = s.live.read(body), s.shadow.read(body)
	} else {
		shadow, live = s.shadow.read(body), s.live.read(body)
	}
	s.compared.Inc()
	if d := live.Compare(shadow); d != nil {
		s.mismatches.Inc()
		s.log.Warn("engines differ on a request; its body is in quarantine",
			"live", s.cfg.Live.Name, "shadow", s.cfg.Shadow.Name, "field", d.Field, "metric", d.Metric, "file", s.cfg.Quarantine)
		s.keep(body, d)
	}
	s.live.batch.Reset() // it borrows body
	s.shadow.batch.Reset()
}

// read decodes body. A panic of the engine is an outcome like others: the shadow must not bring the service down.
func (e *side) read(body []byte) (r metric.Reading) {
	defer func() {
		if v := recover(); v != nil {
			r = metric.Reading{Batch: &e.batch, Err: fmt.Errorf("panic: %.100s", fmt.Sprint(v))}
		}
	}()
	start := time.Now()
	err := e.decoder.Decode(&e.batch, body)
	e.seconds.Observe(time.Since(start).Seconds())
	return metric.Reading{Batch: &e.batch, Err: err}
}

// quarantined is a line of the quarantine file.
type quarantined struct {
	Time   time.Time `json:"time"`
	Live   string    `json:"live"`
	Shadow string    `json:"shadow"`
	Field  string    `json:"field"`
	Metric int       `json:"metric"`
	Got    string    `json:"got"`
	Want   string    `json:"want"`
	Body   []byte    `json:"body_base64"`
}

// keep writes body to the quarantine file if there is room for it.
func (s *Shadow) keep(body []byte, d *metric.Difference) {
	line, err := json.Marshal(quarantined{time.Now().UTC(), s.cfg.Live.Name, s.cfg.Shadow.Name, d.Field, d.Metric, d.Got, d.Want, body})
	if err == nil && s.size+int64(len(line))+1 > s.cfg.QuarantineBytes {
		s.withheld.Inc()
		return
	}
	if err == nil {
		var n int
		n, err = s.file.Write(append(line, '\n'))
		s.size += int64(n)
	}
	if err != nil {
		s.log.Error("cannot keep a body in quarantine", "error", err)
	}
}
