package ingest

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the package's own. Every child is resolved here, so that counting is an index and an atomic add.
type metrics struct {
	inFlight atomic.Int64            // read by a gauge when it is collected
	requests [600]prometheus.Counter // by status; nil for one that is never sent
	duration prometheus.Histogram
	accepted prometheus.Counter
	rejected prometheus.Counter
	refused  [kinds]prometheus.Counter
	decode   prometheus.Observer
}

func newMetrics(engine string, reg prometheus.Registerer) (*metrics, error) {
	m := new(metrics)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "metricstream_http_requests_total", Help: "Answered requests by status code.",
	}, []string{"code"})
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "metricstream_http_request_duration_seconds",
		Help:    "Time from a request's header to its response, the arrival of its body included.",
		Buckets: prometheus.ExponentialBuckets(20e-6, 3, 13), // 20 µs to 10.6 s
	})
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "metricstream_http_requests_in_flight", Help: "Requests being answered, those that wait included.",
	}, func() float64 { return float64(m.inFlight.Load()) })
	ingested := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "metricstream_ingest_metrics_total", Help: "Metrics by what became of them: accepted, or rejected for breaking a rule.",
	}, []string{"result"})
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "metricstream_ingest_rejected_total", Help: "Requests that were not served, by reason.",
	}, []string{"reason"})
	decode := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "metricstream_json_decode_duration_seconds",
		Help:    "Time to decode and validate one body.",
		Buckets: prometheus.ExponentialBuckets(500e-9, 3, 13), // 500 ns to 0.27 s
	}, []string{"engine"})

	codes := []int{200, 202}
	for k := none + 1; k < kinds; k++ {
		codes = append(codes, specs[k].status)
		m.refused[k] = refused.WithLabelValues(specs[k].slug)
	}
	for _, code := range codes {
		m.requests[code] = requests.WithLabelValues(strconv.Itoa(code))
	}
	m.accepted, m.rejected = ingested.WithLabelValues("accepted"), ingested.WithLabelValues("rejected")
	m.decode = decode.WithLabelValues(engine)
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{requests, m.duration, inFlight, ingested, refused, decode} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("cannot register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) answered(code int, took time.Duration) {
	m.requests[code].Inc()
	m.duration.Observe(took.Seconds())
}
