package journal

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the journal tells Prometheus. Those of the queue are read off it when they are asked for.
type metrics struct {
	writtenBytes prometheus.Counter
	writeSeconds prometheus.Histogram
	syncSeconds  prometheus.Histogram
	errors       *prometheus.CounterVec
	repairs      prometheus.Counter
	lost         prometheus.Counter
}

// The operations that can fail, each a value of the label op.
const (
	opOpen   = "open"
	opWrite  = "write"
	opSync   = "sync"
	opRename = "rename"
	opRepair = "repair"
	opClose  = "close"
)

func newMetrics() *metrics {
	seconds := prometheus.ExponentialBuckets(10e-6, 4, 11) // 10 µs to 10 s
	m := &metrics{
		writtenBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metricstream_journal_written_bytes_total",
			Help: "Bytes of acknowledged groups written to the journal."}),
		writeSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "metricstream_journal_write_duration_seconds",
			Help: "Time to write one group to the journal.", Buckets: seconds}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "metricstream_journal_sync_duration_seconds",
			Help: "Time to sync one group to the disk.", Buckets: seconds}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "metricstream_journal_errors_total",
			Help: "Failed operations on the journal's files."}, []string{"op"}),
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metricstream_journal_repairs_total",
			Help: "Torn last lines moved aside when the journal was opened."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "metricstream_journal_lost_metrics_total",
			Help: "Metrics acknowledged from memory whose write then failed."}),
	}
	for _, op := range []string{opOpen, opWrite, opSync, opRename, opRepair, opClose} {
		m.errors.WithLabelValues(op) // so that each is there, as 0, before it first fails
	}
	return m
}

func (m *metrics) register(reg prometheus.Registerer, q *queue) error {
	if reg == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{
		m.writtenBytes, m.writeSeconds, m.syncSeconds, m.errors, m.repairs, m.lost,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "metricstream_queue_bytes",
			Help: "Bytes in the journal's queue, those being written included.",
		}, func() float64 { return float64(q.bytes.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "metricstream_queue_capacity_bytes",
			Help: "Bytes that the journal's queue can hold.",
		}, func() float64 { return float64(q.capacity) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "metricstream_queue_rejected_total",
			Help: "Requests refused because the journal's queue was full.",
		}, func() float64 { return float64(q.rejected.Load()) }),
	} {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}
