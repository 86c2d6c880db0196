package ingest

import (
	"io"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// HTTPServer returns a fasthttp server with every setting that this handler's promises rest on.
// The caller only serves listeners with it and shuts it down; limits on connections are the listener's part,
// for fasthttp's own refusals bypass its ErrorHandler.
func (h *Handler) HTTPServer() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:       h.Handle,
		ErrorHandler:  h.protocolError,
		ExpectHandler: h.expect,
		Logger:        serverLog{h.log},

		ReadTimeout:    h.cfg.ReadTimeout,
		WriteTimeout:   h.cfg.WriteTimeout,
		IdleTimeout:    h.cfg.IdleTimeout,
		ReadBufferSize: h.cfg.MaxHeaderBytes, // which is fasthttp's limit on the header

		// Without streaming, fasthttp allocates for a body as much as its length declares before any of it is here.
		// With it, fasthttp reads up to 8 KiB or MaxRequestBodySize ahead, into an allocation of that size,
		// before the handler runs; a larger body is no error but left in the stream. One byte is the least
		// that can be set: the handler then answers from the header, and owns the buffer and the limit.
		StreamRequestBody:  true,
		MaxRequestBodySize: 1,

		DisablePreParseMultipartForm: true, // or a form is parsed, and spooled to files, before the handler runs
		LazyRequestTime:              true, // the exchange has its own clock reading
		CloseOnShutdown:              true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
	}
}

// expect decides on a request that waits for "100 Continue" before it sends its body: if its answer is known,
// it gets that. fasthttp's documentation says that the response is not to be modified here. But it sends
// the status that is returned together with whatever else the response holds (TestExpect notices
// should that change), and there is no other way to answer with a body and a correlation id.
func (h *Handler) expect(ctx *fasthttp.RequestCtx) (status int) {
	x := h.begin(ctx)
	defer h.finish(x)
	status = fasthttp.StatusInternalServerError // stands when admit panics
	if p := x.admit(); p.kind != none {
		x.refuse(p)
		return specs[p.kind].status
	}
	ctx.SetUserValue(admitted{}, true)
	return fasthttp.StatusContinue
}

// protocolError answers a request that fasthttp could not read. The connection ends with it.
func (h *Handler) protocolError(ctx *fasthttp.RequestCtx, err error) {
	x := h.begin(ctx)
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
func respondAndLinger(c net.Conn, resp *fasthttp.Response, timeout time.Duration) {
	if timeout > 0 && c.SetWriteDeadline(time.Now().Add(timeout)) != nil {
		return
	}
	if _, err := resp.WriteTo(c); err != nil {
		return
	}
	conn := c
	if wrapper, ok := c.(interface{ UnsafeConn() net.Conn }); ok {
		conn = wrapper.UnsafeConn()
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	if c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c, lingerBytes) // whatever ends it, the connection is closed next
	}
}
