package ingest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// readBuffer is what one read(2) takes at most: a head together with a body of a hundred metrics.
type readBuffer [16 << 10]byte

// conn is a connection below fasthttp that frames requests itself. It gives fasthttp the bytes of one head and
// nothing behind it; the handler tells it how the body is framed and takes the body from it.
// So a body goes from the socket to the decoder without fasthttp, which would report some truncated bodies as whole.
//
// All fields belong to the goroutine that serves the connection. Other goroutines may only call Close.
type conn struct {
	net.Conn
	raw     syscall.RawConn       // nil if the connection has no descriptor to wait for
	try     func(fd uintptr) bool // c.tryRead, bound once: each binding would allocate
	buffers *sync.Pool            // of *readBuffer
	buf     *readBuffer           // nil while the connection waits: idle ones hold no memory for what may come
	r, w    int                   // buf[r:w] has been received and not been given out
	err     error                 // of the last try
	phase   phase
	line    lineState // of the head that is being given out
	begun   bool      // that head has had a line that is not empty
	left    int       // what of the body has not been read; unknown for a chunked one
}

type phase uint8

const (
	inHead    phase = iota // a head is being given out, or waited for
	headGiven              // the head's last byte is given out; how the body is framed is not known yet
	inBody                 // the body is not read to its end
)

// lineState is what is known of a line whose end has not come.
type lineState uint8

const (
	lineEmpty lineState = iota
	lineCR              // a CR and nothing else
	lineText
)

// unknown is conn.left of a body whose end shows only as it is read.
const unknown = -1

var (
	errHeadEnd = errors.New("the head of the request does not end where its first empty line is")
	errUnread  = errors.New("the next request begins behind a body that was not read")
)

// newConn returns c with framing. Its read buffers are from, and go back to, the pool.
func newConn(c net.Conn, buffers *sync.Pool) *conn {
	framed := &conn{Conn: c, buffers: buffers}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			framed.raw, framed.try = raw, framed.tryRead
		}
	}
	return framed
}

// Read is for fasthttp: it gives out the next bytes of a head, as they arrive, and none from behind its end.
// What is left of the last body is passed over first, which the response to it does not wait for.
// An error while fasthttp wants more of a head that has ended means that the two of us disagree about that,
// and so the end of the connection.
func (c *conn) Read(p []byte) (int, error) {
	switch c.phase {
	case headGiven:
		return 0, errHeadEnd
	case inBody:
		if err := c.passBody(); err != nil {
			return 0, err
		}
	}
	if c.r == c.w {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := c.scan(c.buf[c.r:min(c.w, c.r+len(p))])
	copy(p, c.buf[c.r:c.r+n])
	c.r += n
	return n, nil
}

// scan returns how many bytes of b, which continue the head, belong to it. The head ends with the first empty line
// that follows another line, as fasthttp has it; a line may end in a bare LF here, as it may there:
// the two must agree. head.parse refuses it afterwards in all but the request line, where it changes nothing.
func (c *conn) scan(b []byte) int {
	for end := 0; ; {
		n := bytes.IndexByte(b[end:], '\n')
		if n < 0 {
			c.line = c.line.with(b[end:])
			return len(b)
		}
		line := c.line.with(b[end : end+n])
		end += n + 1
		c.line = lineEmpty
		if line == lineText {
			c.begun = true
		} else if c.begun {
			c.begun, c.phase = false, headGiven
			return end
		}
	}
}

func (s lineState) with(more []byte) lineState {
	switch {
	case len(more) == 0:
		return s
	case s == lineEmpty && len(more) == 1 && more[0] == '\r':
		return lineCR
	}
	return lineText
}

// frame says how many bytes of body follow the head that was given out last; unknown is one in chunks.
// It may be said again before the body is read: who waits for "100 Continue" is handled twice.
func (c *conn) frame(length int) {
	c.left, c.phase = length, inBody
	if length == 0 {
		c.phase = inHead
	}
}

// unread reports whether there is a body whose end was not reached.
func (c *conn) unread() bool { return c.phase == inBody }

// passBody reads over what is left of a body. Its length is the caller's concern, and known.
func (c *conn) passBody() error {
	if c.left == unknown {
		return errUnread
	}
	for c.left > 0 {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return err
			}
		}
		n := min(c.left, c.w-c.r)
		c.r += n
		c.left -= n
	}
	c.phase = inHead
	return nil
}

// fill waits for bytes and reads what there is into buf, all of which must have been given out.
func (c *conn) fill() error {
	c.r, c.w = 0, 0
	if c.raw != nil {
		if err := c.raw.Read(c.try); err != nil {
			return err
		}
		return c.err
	}
	if c.buf == nil {
		c.buf = c.buffers.Get().(*readBuffer)
	}
	n, err := c.Conn.Read(c.buf[:])
	c.w = n
	switch {
	case n > 0: // an error that came with bytes comes again without
		return nil
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// tryRead reads without waiting and reports whether there was something to read, be it an error.
// It holds a buffer for as long as there is something in it: net.Conn.Read would need one for as long as it waits.
func (c *conn) tryRead(fd uintptr) bool {
	if c.buf == nil {
		c.buf = c.buffers.Get().(*readBuffer)
	}
	for {
		n, err := syscall.Read(int(fd), c.buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			c.release()
			return false
		case err != nil:
			c.err = os.NewSyscallError("read", err)
		case n == 0:
			c.err = io.EOF
		default:
			c.w, c.err = n, nil
		}
		return true
	}
}

// release gives back buf, all of which must have been given out.
func (c *conn) release() {
	if c.buf != nil {
		c.buffers.Put(c.buf)
		c.buf = nil
	}
}

// listener accepts connections with framing.
type listener struct {
	net.Listener
	buffers *sync.Pool
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(c, l.buffers), nil
}
