package ingest

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
)

// logGate lets one line of each kind pass per second and counts the others: a full queue refuses
// a hundred thousand requests a second, and their log lines would cost more than the requests.
type logGate [kinds]struct {
	second  atomic.Int64 // of the last line
	skipped atomic.Int64 // since
}

// pass reports whether a line may be written in this second, and how many were skipped before it.
func (g *logGate) pass(k kind, second int64) (skipped int64, pass bool) {
	last := g[k].second.Load()
	if last == second || !g[k].second.CompareAndSwap(last, second) {
		g[k].skipped.Add(1)
		return 0, false
	}
	return g[k].skipped.Swap(0), true
}

// attrs returns what every line about this exchange carries, and the pairs. Never the client's identity
// or a part of its body.
func (x *exchange) attrs(pairs ...string) []slog.Attr {
	attrs := []slog.Attr{slog.String("correlation_id", string(x.id))}
	if x.traced {
		attrs = append(attrs, slog.String("trace_id", hex.EncodeToString(x.span.TraceID[:])))
	}
	for i := 0; i < len(pairs); i += 2 {
		attrs = append(attrs, slog.String(pairs[i], pairs[i+1]))
	}
	return attrs
}

// logRefusal logs what the client caused for those who debug, and what the service caused for those who run it.
func (x *exchange) logRefusal(p *problem) {
	spec, level, skipped := &specs[p.kind], slog.LevelDebug, int64(0)
	if spec.status >= 500 && p.kind != draining {
		level = slog.LevelError
	}
	if !x.h.log.Enabled(context.Background(), level) {
		return
	}
	if level == slog.LevelError && p.kind != internal { // each of those is a bug, and its client was told of this line
		var pass bool
		if skipped, pass = x.h.gate.pass(p.kind, x.started.Unix()); !pass {
			return
		}
	}
	attrs := append(x.attrs("reason", spec.slug), slog.Int("status", spec.status))
	if skipped > 0 {
		attrs = append(attrs, slog.Int64("skipped", skipped))
	}
	if p.cause != nil {
		attrs = append(attrs, slog.String("error", describe(p.cause)))
	}
	x.h.log.LogAttrs(context.Background(), level, "request refused", attrs...)
}

// serverLog takes fasthttp's own messages, which may quote a header or an address.
// What they report of requests is answered and counted here already; the format alone says what it was.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Printf(format string, _ ...any) {
	l.log.Debug("http server", "message", format)
}
