package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"metricstream/pkg/metric"
)

// exchange is one request and its response. It is pooled, and apart from work:
// a client that sends its body slowly holds this little thing and a small buffer, and no decoder.
type exchange struct {
	h       *Handler
	ctx     *fasthttp.RequestCtx
	started time.Time // the one clock reading for limiter, receipt and latency
	route   route
	head    head   // borrows the request
	id      []byte // correlation id; own storage
	client  []byte // borrows the request or the Handler's keys
	traced  bool   // span is a valid trace context
	span    metric.SpanContext
	sampled bool

	conn *conn   // where the body is; nil when Handle was called with a request that is read already
	body *buffer // as received; nil before, and when the connection or fasthttp holds the body
	code int     // of the response; 0 while there is none
}

type route uint8

const (
	nowhere route = iota
	ingestion
	liveness
	readiness
)

// admitted is the key of a user value: this request passed admit before it was told to continue.
type admitted struct{}

// begin takes up a request. The body is what c has behind the head; a nil c has none.
func (h *Handler) begin(ctx *fasthttp.RequestCtx, c *conn) *exchange {
	h.metrics.inFlight.Add(1)
	x := h.exchanges.Get().(*exchange)
	x.ctx, x.conn, x.started = ctx, c, time.Now()
	x.head.parse(ctx.Request.Header.RawHeaders())
	if c != nil {
		c.frame(x.head.length)
	}
	x.correlate()
	if tp := &x.head.traceparent; tp.given == 1 {
		x.span, x.sampled, x.traced = parseTraceparent(tp.value)
	}
	return x
}

// finish is deferred: it turns a panic into a 500, counts, and gives back what the exchange holds.
func (h *Handler) finish(x *exchange) {
	if v := recover(); v != nil {
		x.crashed(v)
	}
	if x.code != 0 {
		h.metrics.answered(x.code, time.Since(x.started))
		if h.isDraining() {
			x.ctx.SetConnectionClose()
		}
	}
	h.metrics.inFlight.Add(-1)
	h.buffers.put(x.body)
	*x = exchange{h: h, id: x.id}
	h.exchanges.Put(x)
}

// crashed answers a panic. What the panic left half done is dropped, not pooled, and so is the connection.
func (x *exchange) crashed(v any) {
	what := "panic"
	if err, ok := v.(error); ok {
		what = describe(err)
	} else if s, ok := v.(string); ok {
		what = metric.Excerpt(s)
	}
	x.h.log.LogAttrs(context.Background(), slog.LevelError, "request handler panicked",
		x.attrs("panic", what, "stack", string(debug.Stack()))...)
	x.body = nil
	x.ctx.Response.Reset()
	x.refuse(problem{kind: internal})
}

// admit makes every check that needs no body, in the contract's order.
func (x *exchange) admit() problem {
	header := &x.ctx.Request.Header
	post := string(header.Method()) == fasthttp.MethodPost
	get := string(header.Method()) == fasthttp.MethodGet || string(header.Method()) == fasthttp.MethodHead
	if p := string(header.Protocol()); p != "HTTP/1.1" && p != "HTTP/1.0" {
		return problem{kind: malformedRequest, detail: "the HTTP version is neither 1.1 nor 1.0"}
	}
	if x.head.fault != "" {
		return problem{kind: malformedRequest, detail: x.head.fault}
	}
	if get && x.head.body {
		return problem{kind: malformedRequest, detail: "a GET or HEAD request has no body"}
	}
	switch string(path(header.RequestURI())) {
	case "/metrics":
		x.route = ingestion
	case "/livez":
		x.route = liveness
	case "/readyz":
		x.route = readiness
	default:
		return problem{kind: notFound}
	}
	if x.route != ingestion {
		if !get {
			return problem{kind: methodNotAllowed, detail: "the health of the service is asked for with GET or HEAD"}
		}
		return problem{}
	}
	if !post {
		return problem{kind: methodNotAllowed, detail: x.h.where}
	}
	if x.h.isDraining() {
		return problem{kind: draining}
	}
	if p := x.identify(); p.kind != none {
		return p
	}
	if x.h.limiter != nil && x.ctx.UserValue(admitted{}) == nil {
		if wait, allowed := x.h.limiter.Allow(x.client, x.started); !allowed {
			return problem{kind: rateLimited, retryAfter: max(1, seconds(wait))}
		}
	}
	if !x.head.isJSON() {
		return problem{kind: unsupportedMediaType}
	}
	if x.head.coding == unsupported {
		return problem{kind: unsupportedCoding}
	}
	if x.head.length > x.h.cfg.MaxBodyBytes {
		return x.h.tooLarge("the body")
	}
	return problem{}
}

func (h *Handler) tooLarge(what string) problem {
	return problem{kind: bodyTooLarge, detail: what + " is larger than " + strconv.Itoa(h.cfg.MaxBodyBytes) + " bytes"}
}

// path returns the path of a request target as it stands, without decoding or cleaning it:
// the service's paths have one spelling, and nobody in between can take another for them.
func path(target []byte) []byte {
	for i, c := range target {
		if c == '?' || c == '#' {
			target = target[:i]
			break
		}
	}
	if len(target) > 0 && target[0] != '/' { // absolute form, which a server must accept (RFC 9112, section 3.2.2)
		for _, scheme := range [...]string{"http://", "https://"} {
			if len(target) > len(scheme) && equalFold(target[:len(scheme)], scheme) {
				target = target[len(scheme):]
				for i, c := range target {
					if c == '/' {
						return target[i:]
					}
				}
				return nil
			}
		}
	}
	return target
}

// answer serves a request that was admitted, or says what is wrong with what came after its header.
func (x *exchange) answer() problem {
	switch x.route {
	case liveness:
		x.health(true, "")
		return problem{}
	case readiness:
		x.ready()
		return problem{}
	}
	body, p := x.receive()
	if p.kind != none {
		return p
	}
	// The slot is taken after the body is here: slow senders must not hold up the others.
	if !x.h.acquire() {
		return problem{kind: draining}
	}
	defer x.h.release()
	w := x.h.works.Get().(*work)
	w.run(x, body)
	w.recycle(&x.h.works) // not after a panic
	return problem{}
}

// receive returns the body as it came. It is valid until the exchange is finished.
func (x *exchange) receive() (body []byte, _ problem) {
	if x.conn == nil {
		if body = x.ctx.PostBody(); len(body) > x.h.cfg.MaxBodyBytes {
			return nil, x.h.tooLarge("the body")
		}
		return body, problem{}
	}
	var err error
	body, x.body, err = x.conn.readBody(x.h.buffers, x.h.cfg.MaxBodyBytes)
	switch {
	case err == errTooLarge:
		return nil, x.h.tooLarge("the body")
	case err != nil:
		return nil, bodyFault(err)
	}
	return body, problem{}
}

// bodyFault says what an error in reading a body comes to.
func bodyFault(err error) problem {
	var malformed malformedBody
	if errors.As(err, &malformed) {
		return problem{kind: malformedRequest, detail: string(malformed)}
	}
	return problem{kind: transportFault(err)}
}

// transportFault says what an error in reading a request comes to.
func transportFault(err error) kind {
	var timeout net.Error
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return requestTimeout
	case errors.As(err, &small):
		return headerTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return incomplete
	}
	return malformedRequest
}
