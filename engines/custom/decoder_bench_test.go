package custom_test

import (
	"fmt"
	"strings"
	"testing"

	"metricstream/engines/custom"
	"metricstream/pkg/metric"
)

func batchBody(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"metrics":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"http_requests_total","value":%d.%d,"type":"counter","timestamp":"2025-09-17T13:45:%02d.123Z","tags":{"host":"server%d","region":"eu-west-1"}}`, i*37, i%100, i%60, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("metrics=%d", size), func(b *testing.B) {
			body := batchBody(size)
			d := custom.New()
			var batch metric.Batch
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Decode(&batch, body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/metric")
		})
	}
}
