package custom_test

import (
	"testing"

	"metricstream/benchmarks"
	"metricstream/engines/custom"
	"metricstream/pkg/metric"
)

// BenchmarkRequest shows what the two halves of a request's own work cost beside each other, on the lab's payloads.
func BenchmarkRequest(b *testing.B) {
	for _, p := range benchmarks.Payloads() {
		if p.Accepted < len(p.Bodies) {
			continue
		}
		d := custom.New()
		var batch metric.Batch
		b.Run("step=decode/payload="+p.Name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := d.Decode(&batch, p.Bodies[n%len(p.Bodies)]); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)*float64(len(p.Bodies))/float64(p.Metrics), "ns/metric")
		})
		b.Run("step=encode/payload="+p.Name, func(b *testing.B) {
			b.ReportAllocs()
			if err := d.Decode(&batch, p.Bodies[0]); err != nil {
				b.Fatal(err)
			}
			var lines []byte
			for b.Loop() {
				lines = batch.AppendJSONLines(lines[:0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch.Metrics)), "ns/metric")
		})
	}
}
