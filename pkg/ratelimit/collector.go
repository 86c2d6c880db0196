package ratelimit

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector shows a Limiter's counters to Prometheus. It reads them when scraped:
// a request pays for its own two atomic additions, not for client_golang's as well.
type collector struct{ *Limiter }

var (
	decisionsDesc = prometheus.NewDesc("metricstream_ratelimit_decisions_total",
		"Requests by what the rate limiter decided.", []string{"decision"}, nil)
	peakDesc = prometheus.NewDesc("metricstream_ratelimit_peak_decisions",
		"Decisions in the busiest second of the last minute.", []string{"decision"}, nil)
	sharedDesc = prometheus.NewDesc("metricstream_ratelimit_shared_total",
		"Requests decided by the window that clients without room in the table share.", nil, nil)
	clientsDesc = prometheus.NewDesc("metricstream_ratelimit_clients",
		"Clients that the rate limiter tracks.", nil, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- decisionsDesc
	ch <- peakDesc
	ch <- sharedDesc
	ch <- clientsDesc
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	var peak Counts
	for _, s := range c.LastMinute(time.Now()) {
		peak.Allowed = max(peak.Allowed, s.Allowed)
		peak.Limited = max(peak.Limited, s.Limited)
	}
	send := func(d *prometheus.Desc, t prometheus.ValueType, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, float64(v), labels...)
	}
	total := c.Totals()
	send(decisionsDesc, prometheus.CounterValue, total.Allowed, "allowed")
	send(decisionsDesc, prometheus.CounterValue, total.Limited, "limited")
	send(peakDesc, prometheus.GaugeValue, peak.Allowed, "allowed")
	send(peakDesc, prometheus.GaugeValue, peak.Limited, "limited")
	send(sharedDesc, prometheus.CounterValue, total.Shared)
	send(clientsDesc, prometheus.GaugeValue, uint64(c.Clients()))
}
