package ingest

import (
	"context"
	"io"
	"math"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// HTTPServer is a fasthttp server over connections that frame requests themselves. Handler makes it.
// Limits on connections are the listener's part, for fasthttp's own refusals bypass its ErrorHandler.
type HTTPServer struct {
	http  *fasthttp.Server
	reads *sync.Pool
}

// HTTPServer returns a server with every setting that this handler's promises rest on.
func (h *Handler) HTTPServer() *HTTPServer {
	return &HTTPServer{reads: &h.reads, http: &fasthttp.Server{
		Handler:        h.Handle,
		ErrorHandler:   h.protocolError,
		ExpectHandler:  h.expect,
		HeaderReceived: withoutBody,
		Logger:         serverLog{h.log},

		ReadTimeout:    h.cfg.ReadTimeout, // its deadline stands until the handler has read the body
		WriteTimeout:   h.cfg.WriteTimeout,
		IdleTimeout:    h.cfg.IdleTimeout,
		ReadBufferSize: h.cfg.MaxHeaderBytes, // which is fasthttp's limit on the header
		Concurrency:    math.MaxInt32,        // the listener is the one that limits, and answers

		LazyRequestTime:       true, // the exchange has its own clock reading
		CloseOnShutdown:       true,
		NoDefaultServerHeader: true,
		NoDefaultContentType:  true,
		SecureErrorLogMessage: true,
	}}
}

// withoutBody tells fasthttp that a request has no body, whatever its head says: it would look for it
// in what the connection gives it, where there are heads alone. The exchange has the raw fields.
func withoutBody(header *fasthttp.RequestHeader) (defaults fasthttp.RequestConfig) {
	header.SetContentLength(0)
	return defaults
}

// Serve answers what comes from ln until Shutdown, and then returns nil.
func (s *HTTPServer) Serve(ln net.Listener) error { return s.http.Serve(listener{ln, s.reads}) }

// ServeConn answers what comes from c and closes it.
func (s *HTTPServer) ServeConn(c net.Conn) error { return s.http.ServeConn(newConn(c, s.reads)) }

// Shutdown closes the listeners and waits until every connection has ended with the response to its last request,
// or ctx has. Connections that wait for a request are closed.
func (s *HTTPServer) Shutdown(ctx context.Context) error { return s.http.ShutdownWithContext(ctx) }

// expect decides on a request that waits for "100 Continue" before it sends its body: if its answer is known,
// it gets that. fasthttp's documentation says that the response is not to be modified here. But it sends
// the status that is returned together with whatever else the response holds (TestExpect notices
// should that change), and there is no other way to answer with a body and a correlation id.
func (h *Handler) expect(ctx *fasthttp.RequestCtx) (status int) {
	c, _ := ctx.Conn().(*conn)
	x := h.begin(ctx, c)
	defer h.finish(x)
	status = fasthttp.StatusInternalServerError // stands when admit panics
	if p := x.admit(); p.kind != none {
		ctx.SetConnectionClose() // fasthttp will: the body may be on its way all the same
		x.refuse(p)
		return specs[p.kind].status
	}
	ctx.SetUserValue(admitted{}, true)
	return fasthttp.StatusContinue
}

// protocolError answers a request that fasthttp could not read. The connection ends with it.
func (h *Handler) protocolError(ctx *fasthttp.RequestCtx, err error) {
	x := h.begin(ctx, nil) // what follows is not known to be a body
	defer h.finish(x)
	x.refuse(problem{kind: transportFault(err)})
}

// AppendRefusal appends a whole response to a connection that the listener will not take, and returns dst.
func (h *Handler) AppendRefusal(dst []byte) []byte {
	p := problem{kind: tooManyConnections}
	spec := &specs[p.kind]
	id := h.appendCorrelation(nil)
	body := p.appendJSON(nil, id)
	dst = append(dst, "HTTP/1.1 503 Service Unavailable\r\nDate: "...)
	dst = fasthttp.AppendHTTPDate(dst, time.Now())
	dst = append(dst, "\r\nContent-Type: application/problem+json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\nX-Correlation-ID: "...)
	dst = append(dst, id...)
	dst = append(dst, "\r\nRetry-After: "...)
	dst = strconv.AppendInt(dst, int64(spec.retryAfter), 10)
	dst = append(dst, "\r\nConnection: close\r\n\r\n"...)
	h.metrics.requests[spec.status].Inc()
	h.metrics.refused[p.kind].Inc()
	return append(dst, body...)
}

const (
	lingerBytes = 8 << 20
	lingerTime  = time.Second
)

// respondAndLinger sends resp and ends the connection as TCP asks for: it says that nothing more will come,
// then reads what the peer still sends, up to a bound, until the peer has closed as well. fasthttp closes c afterwards.
func (c *conn) respondAndLinger(resp *fasthttp.Response, timeout time.Duration) {
	c.r = c.w
	c.release()
	if timeout > 0 && c.SetWriteDeadline(time.Now().Add(timeout)) != nil {
		return
	}
	if _, err := resp.WriteTo(c.Conn); err != nil {
		return
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	if c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes) // whatever ends it, the connection is closed next
	}
}
