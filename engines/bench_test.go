package engines

import (
	"fmt"
	"strings"
	"testing"

	"metricstream/pkg/metric"
)

// bodyOne is the request of the README.
const bodyOne = `{"metrics":[{"name":"cpu_usage","value":75.5,"type":"gauge","timestamp":"2025-09-17T13:45:23.123Z","tags":{"host":"server1"}}]}`

// bodyOf returns a body of n metrics with three tags each, as agents send them.
func bodyOf(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"metrics":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"http_request_duration_seconds","value":%d.%03d,"type":"histogram","timestamp":%d,`+
			`"tags":{"host":"server%02d","method":"GET","region":"eu-central-1"}}`, i*37, i*7%1000, 1758116723000+i, i%20)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	for _, e := range All() {
		for _, mode := range []struct {
			guard string
			make  func() metric.Decoder
		}{{"contract", e.New}, {"none", e.Bare}} {
			for _, load := range []struct {
				body    string
				bytes   []byte
				metrics int
			}{{"one", []byte(bodyOne), 1}, {"batch100", bodyOf(100), 100}} {
				b.Run(fmt.Sprintf("engine=%s/guard=%s/body=%s", e.Name, mode.guard, load.body), func(b *testing.B) {
					dec, dst := mode.make(), new(metric.Batch)
					b.ReportAllocs()
					b.SetBytes(int64(len(load.bytes)))
					for b.Loop() {
						if err := dec.Decode(dst, load.bytes); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*load.metrics), "ns/metric")
				})
			}
		}
	}
}
