package ratelimit

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAllow measures one decision: the clock's reading is outside, for a request takes it anyway.
// Half of the requests are refused.
func BenchmarkAllow(b *testing.B) {
	for _, limit := range []int{1, 100, 10000} {
		for _, clients := range []int{1, 64, 10000} {
			b.Run(fmt.Sprintf("limit=%d/clients=%d/goroutines=1", limit, clients), func(b *testing.B) {
				l, names, step := benchmarkSetup(b, limit, clients)
				b.ReportAllocs()
				i := 0
				for now := l.start; b.Loop(); now = now.Add(step) {
					l.Allow(names[i], now)
					if i++; i == len(names) {
						i = 0
					}
				}
			})
			b.Run(fmt.Sprintf("limit=%d/clients=%d/goroutines=procs", limit, clients), func(b *testing.B) {
				l, names, step := benchmarkSetup(b, limit, clients)
				step *= time.Duration(runtime.GOMAXPROCS(0)) // each goroutine makes its part of the arrivals
				b.ReportAllocs()
				b.ResetTimer()
				var first atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					i := int(first.Add(7919)) % len(names)
					for now := l.start; pb.Next(); now = now.Add(step) {
						l.Allow(names[i], now)
						if i++; i == len(names) {
							i = 0
						}
					}
				})
			})
		}
	}
}

// benchmarkSetup returns a limiter, names that it knows, and a step of time at which it refuses half of the requests.
func benchmarkSetup(b *testing.B, limit, clients int) (*Limiter, [][]byte, time.Duration) {
	const window = time.Second
	l := newLimiter(b, Config{Limit: limit, Window: window})
	names := make([][]byte, clients)
	for i := range names {
		names[i] = fmt.Appendf(nil, "client-%08d", i)
		l.Allow(names[i], l.start)
	}
	return l, names, max(1, window/time.Duration(2*limit*clients))
}

// BenchmarkNewcomer measures the first and only request of a client.
func BenchmarkNewcomer(b *testing.B) {
	for _, table := range []string{"roomy", "full"} {
		b.Run("table="+table, func(b *testing.B) {
			l := newLimiter(b, Config{Limit: 10000, Window: time.Second})
			step := 100 * time.Microsecond // 10,000 newcomers per window
			if table == "full" {
				step = 0
				for i := range DefaultCapacity {
					l.Allow(fmt.Appendf(nil, "resident-%08d", i), l.start)
				}
			}
			name := []byte("newcomer-0000000000")
			b.ReportAllocs()
			for now := l.start; b.Loop(); now = now.Add(step) {
				for i := len(name) - 1; ; i-- {
					if name[i]++; name[i] <= '9' {
						break
					}
					name[i] = '0'
				}
				l.Allow(name, now)
			}
		})
	}
}
