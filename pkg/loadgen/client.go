package loadgen

import (
	"context"
	"fmt"
	"net"
	"time"
)

// client is one connection and the identity that goes with it. One goroutine uses it.
//
// It is written by hand because the generator shares the machine with the server that it measures: net/http's
// client spends several times the CPU, and two goroutines, per request.
type client struct {
	addr        string
	head        []byte // this client's part of every request, with room for a tail behind it
	dialTimeout time.Duration
	timeout     time.Duration
	fresh       bool      // a new connection for every request
	epoch       time.Time // the zero of the times that do takes

	conn      net.Conn      // nil when there is none
	forget    func() bool   // undoes that the context's end closes conn
	armed     time.Duration // the deadline that is set on conn, since epoch
	responses *responseReader
	written   uint64
}

// dial connects; the end of ctx closes the connection, so that nothing ever waits longer than the run.
func (c *client) dial(ctx context.Context, deadline time.Time) error {
	d := net.Dialer{Timeout: c.dialTimeout, Deadline: deadline}
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
			<-ctx.Done() // the dialer saw the context's deadline first; the caller looks at ctx.Err for the cause
		}
		return fmt.Errorf("cannot connect: %w", err) // which names the address
	}
	c.conn, c.armed = conn, 0
	c.forget = context.AfterFunc(ctx, func() { conn.Close() })
	c.responses.reset(conn)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		c.forget()
		c.conn.Close() // nothing is buffered in it: there is no error to learn from
		c.conn = nil
	}
}

// do sends a request that ends with tail and reads its answer. It dials when there is no connection, and leaves
// none behind after an error or an answer that ends it. sent says that at least a part of the request went out.
func (c *client) do(ctx context.Context, now time.Duration, tail []byte) (status int, sent bool, err error) {
	if c.conn == nil {
		if err := c.dial(ctx, c.epoch.Add(now+c.timeout)); err != nil {
			return 0, false, err
		}
	}
	// A deadline for each request would cost a timer's change each: one that is a little too late serves many.
	if now+c.timeout > c.armed {
		c.armed = now + c.timeout + c.timeout/64
		_ = c.conn.SetDeadline(c.epoch.Add(c.armed)) // fails when the connection is closed, and then so does the write
	}
	// Joined, it is one write: writev(2) of the two costs 7% more CPU for a request of one metric, and saves nothing at 50 kB.
	request := append(c.head, tail...)
	c.head = request[:len(c.head)]
	n, writeErr := c.conn.Write(request)
	c.written += uint64(n)
	// A server may answer and close before it has read the request (413, 503): the answer counts, not the failed write.
	status, closing, err := c.responses.next()
	if err != nil && writeErr != nil {
		err = writeErr
	}
	if closing || writeErr != nil || c.fresh {
		c.close()
	}
	if err != nil {
		return 0, n > 0, fmt.Errorf("cannot complete a request to %s: %w", c.addr, err)
	}
	return status, n > 0, nil
}
