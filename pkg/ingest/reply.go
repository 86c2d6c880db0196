package ingest

import (
	"net"
	"strconv"

	"github.com/valyala/fasthttp"

	"metricstream/pkg/metric"
)

// Names of response fields, spelled as they are sent.
var (
	fieldCorrelation = []byte("X-Correlation-ID")
	fieldChallenge   = []byte("WWW-Authenticate")
	fieldPolicy      = []byte("RateLimit-Policy")
	fieldLimit       = []byte("RateLimit")
)

// respond sets the response. The body becomes the response's: it is best made in scratch.
func (x *exchange) respond(status int, contentType string, body []byte) {
	x.code = status
	resp := &x.ctx.Response
	resp.SetStatusCode(status)
	resp.Header.SetContentType(contentType)
	resp.Header.SetCanonical(fieldCorrelation, x.id)
	resp.SwapBody(body)
}

// scratch returns the storage of the response's body, empty, to append to and give to respond.
func (x *exchange) scratch() []byte { return x.ctx.Response.SwapBody(nil)[:0] }

// accept says that n metrics are kept as the sink was configured to and, to a client that prefers
// lenient handling, which were rejected.
func (x *exchange) accept(n int, invalid *metric.InvalidError) {
	status := fasthttp.StatusOK
	if x.h.cfg.Ack == "memory" {
		status = fasthttp.StatusAccepted
	}
	b := append(x.scratch(), `{"accepted":`...)
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, `,"ack":"`...)
	b = append(b, x.h.cfg.Ack...)
	b = append(b, '"')
	if x.head.prefer.lenient {
		b = append(b, ',')
		b = appendRejected(b, invalid)
		x.ctx.Response.Header.Set("Preference-Applied", "handling=lenient")
	}
	b = append(b, '}')
	x.respond(status, "application/json", b)
}

// ready answers /readyz.
func (x *exchange) ready() {
	verbose := x.ctx.QueryArgs().Has("verbose")
	ready, report := true, ""
	if x.h.cfg.Health != nil {
		ready, report = x.h.cfg.Health(verbose)
	}
	if x.h.isDraining() {
		ready = false
		if report != "" && report[len(report)-1] != '\n' {
			report += "\n"
		}
		report += "draining"
	}
	x.health(ready, report)
}

func (x *exchange) health(healthy bool, report string) {
	status, word := fasthttp.StatusOK, "ok"
	if !healthy {
		status, word = fasthttp.StatusServiceUnavailable, "not ready"
	}
	b := append(x.scratch(), word...)
	b = append(b, '\n')
	if report != "" {
		b = append(b, report...)
		b = append(b, '\n')
	}
	x.ctx.Response.Header.Set("Cache-Control", "no-store")
	x.respond(status, "text/plain; charset=utf-8", b)
}

// refuse answers with a problem, counts it by its reason, and logs it.
func (x *exchange) refuse(p problem) {
	spec := &specs[p.kind]
	header := &x.ctx.Response.Header
	switch p.kind {
	case methodNotAllowed:
		if x.route == ingestion {
			header.Set("Allow", "POST")
		} else {
			header.Set("Allow", "GET, HEAD")
		}
	case unauthorized:
		header.SetCanonical(fieldChallenge, []byte(x.h.challenge()))
	case unsupportedMediaType:
		header.Set("Accept", "application/json")
	case unsupportedCoding:
		header.Set("Accept-Encoding", "gzip, zstd, snappy")
	case rateLimited:
		// draft-ietf-httpapi-ratelimit-headers: q requests in w seconds; r remain, and t seconds until there are more.
		header.SetCanonical(fieldPolicy, []byte(x.h.ratePolicy))
		header.SetCanonical(fieldLimit, strconv.AppendInt([]byte(`"client";r=0;t=`), int64(p.retryAfter), 10))
	}
	if retry := max(p.retryAfter, spec.retryAfter); retry > 0 {
		header.Set("Retry-After", strconv.Itoa(retry))
	}
	if spec.close {
		x.ctx.SetConnectionClose()
	}
	x.abandonBody()
	x.respond(spec.status, "application/problem+json", p.appendJSON(x.scratch(), x.id))
	x.h.metrics.refused[p.kind].Inc()
	x.logRefusal(&p)
}

// drainLimit is how much of an unread body is read past to keep the connection, as net/http does.
const drainLimit = 256 << 10

// abandonBody sees to it that what is left of a refused body is never taken for the next request. A little of it
// the connection reads past, after the response is sent. Otherwise the connection ends, and lingers for the response's
// sake: closing a socket with unread data resets it, and a reset can overtake a response that is still on its way.
func (x *exchange) abandonBody() {
	if x.conn == nil || !x.conn.unread() {
		return
	}
	last := x.ctx.Response.ConnectionClose() || x.ctx.Request.Header.ConnectionClose() || x.h.isDraining()
	if left := x.conn.left; left != unknown && left <= drainLimit && !last {
		return
	}
	x.ctx.SetConnectionClose()
	// fasthttp closes the connection right after a response that says so, whoever hijacks it:
	// the one who takes it over sends the response as well. ctx is kept until then.
	ctx, c, timeout := x.ctx, x.conn, x.h.cfg.WriteTimeout
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) { c.respondAndLinger(&ctx.Response, timeout) })
}
