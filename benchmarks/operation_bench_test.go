package benchmarks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/engines"
)

// The lab's own operations, for go test -bench: one iteration is one pass over the payload's bodies, and the
// extra units are per body, as the lab's are.
func bench(b *testing.B, group, level, guard string) {
	for _, p := range Payloads() {
		for _, e := range engines.All() {
			o := Operation{Level: level, Engine: e, Guard: guard, Payload: p}
			b.Run(o.Name()[len(group)+1:], func(b *testing.B) {
				r, err := o.build()
				require.NoError(b, err)
				b.ReportAllocs()
				b.SetBytes(int64(p.Bytes()))
				for b.Loop() {
					r.pass()
				}
				if n := float64(b.N * r.each.metrics); n > 0 {
					b.ReportMetric(n/b.Elapsed().Seconds(), "metrics/s")
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, guard := range []string{GuardNone, GuardContract} {
		bench(b, "Decode", LevelDecode, guard)
	}
}

func BenchmarkHandler(b *testing.B) { bench(b, "Handler", LevelHandler, GuardContract) }
