package ingest

import "math"

// maxChunkExtra bounds what a chunked body may carry besides its data and the sizes of its chunks:
// extensions and trailer fields together, all of which are ignored.
const maxChunkExtra = 4 << 10

// malformedBody is what is wrong with the framing of a chunked body.
type malformedBody string

func (e malformedBody) Error() string { return string(e) }

// readBody reads the body that was announced, of at most limit bytes. If buf is nil, body is in the connection's own buffer,
// and valid until fasthttp reads the next head, which it does after the handler has returned and the response is written.
// Otherwise body is in buf, which is the caller's to put back, after an error too.
//
// Memory follows what has arrived and not what was announced: at most bufferGrowth times as much, or the least that there is.
func (c *conn) readBody(pool *bufferPool, limit int) (body []byte, buf *buffer, err error) {
	if c.phase != inBody {
		return nil, nil, nil
	}
	if c.r == c.w { // then it pays to see how much comes at once before there is anything to hold it
		if err := c.fill(); err != nil {
			return nil, nil, err
		}
	}
	if c.left == unknown {
		buf, err = c.readChunks(pool, limit)
	} else {
		if have := c.w - c.r; have >= c.left {
			body = c.buf[c.r : c.r+c.left : c.r+c.left]
			c.r += c.left
			c.left, c.phase = 0, inHead
			return body, nil, nil
		}
		buf, err = c.take(pool, pool.get(min(c.left, bufferGrowth*(c.w-c.r))), c.left)
	}
	if err != nil {
		return nil, buf, err
	}
	c.left, c.phase = 0, inHead
	return buf.b, buf, nil
}

// take appends the next n bytes to buf and returns the buffer that holds it all, which replaces buf.
func (c *conn) take(pool *bufferPool, buf *buffer, n int) (*buffer, error) {
	for n > 0 {
		if len(buf.b) == cap(buf.b) {
			buf = pool.grow(buf)
		}
		end := len(buf.b)
		m, err := c.next(buf.b[end:min(cap(buf.b), end+n)])
		if err != nil {
			return buf, err
		}
		buf.b = buf.b[:end+m]
		n -= m
	}
	return buf, nil
}

// next reads what there is into p. What is large goes there directly. What is small goes by way of the buffer,
// which with the same read(2) takes in what follows.
func (c *conn) next(p []byte) (int, error) {
	if c.r == c.w {
		if len(p) >= len(c.buf)/4 {
			c.release()
			n, err := c.Conn.Read(p)
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	return n, nil
}

// readChunks reads a body in chunks (RFC 9112, section 7.1), to the end of its trailer section. That is the only end
// that it has: whatever ends before is an error. The syntax is taken literally, without the leniency
// that would let another reader of the same bytes find another end.
func (c *conn) readChunks(pool *bufferPool, limit int) (buf *buffer, err error) {
	extra := maxChunkExtra
	for {
		size, err := c.chunkSize(&extra)
		if err != nil {
			return buf, err
		}
		if buf == nil {
			buf = pool.get(min(size, bufferGrowth*(c.w-c.r)))
		}
		if size == 0 {
			return buf, c.trailers(&extra)
		}
		if size > limit-len(buf.b) {
			return buf, errTooLarge
		}
		if buf, err = c.take(pool, buf, size); err != nil {
			return buf, err
		}
		if err := c.lineEnd(); err != nil {
			return buf, err
		}
	}
}

// chunkSize reads the line before a chunk's data: the size in hexadecimal digits, and extensions, which are passed over.
func (c *conn) chunkSize(extra *int) (size int, err error) {
	const maxDigits = 16 // leading zeros included, or they would never end
	b, digits := byte(0), 0
	for {
		if b, err = c.readByte(); err != nil {
			return 0, err
		}
		d := hexDigit(b)
		if d < 0 {
			break
		}
		if digits == maxDigits || size > (math.MaxInt-15)>>4 {
			return 0, malformedBody("the size of a chunk is too large")
		}
		size = size<<4 | d
		digits++
	}
	if digits == 0 {
		return 0, malformedBody("the size of a chunk is not a hexadecimal number")
	}
	switch b {
	case ';':
		_, err = c.restOfLine(nil, extra)
		return size, err
	case '\r':
		return size, c.lineFeed()
	}
	// White space before an extension too, which RFC 9112 would have read over and net/http refuses.
	return 0, malformedBody("something other than an extension follows the size of a chunk")
}

var errTooMuchExtra = malformedBody("the extensions and trailer fields of the chunks are too long")

// trailers reads the trailer section, up to the empty line. Nothing is made of its fields; but one that would mean
// something in a head is refused, in case somebody on the way has merged it into the head, or will (RFC 9110, section 6.5.1).
func (c *conn) trailers(extra *int) error {
	b, err := c.readByte()
	if err != nil {
		return err
	}
	if b == '\r' {
		return c.lineFeed()
	}
	section, first := make([]byte, 0, 256), 0 // a rare thing, and short-lived
	for c.r--; ; first = len(section) {
		if section, err = c.restOfLine(section, extra); err != nil {
			return err
		}
		if len(section)-first == len("\r\n") {
			break
		}
	}
	var hd head
	if hd.parse(section); hd.fault != "" {
		return malformedBody("in the trailer section, " + hd.fault)
	}
	if hd.meant() {
		return malformedBody("a trailer field belongs into the head")
	}
	return nil
}

// restOfLine reads to the end of the line and appends it all to dst, unless dst is nil.
func (c *conn) restOfLine(dst []byte, extra *int) ([]byte, error) {
	for {
		b, err := c.readByte()
		if err != nil {
			return dst, err
		}
		if b == '\r' {
			if dst != nil {
				dst = append(dst, "\r\n"...)
			}
			return dst, c.lineFeed()
		}
		if b < ' ' && b != '\t' || b == 0x7f {
			return dst, malformedBody("there is a control character between the chunks")
		}
		if *extra--; *extra < 0 {
			return dst, errTooMuchExtra
		}
		if dst != nil {
			dst = append(dst, b)
		}
	}
}

// lineEnd reads the CR LF behind a chunk's data.
func (c *conn) lineEnd() error {
	b, err := c.readByte()
	if err != nil {
		return err
	}
	if b != '\r' {
		return malformedBody("a chunk does not end where its size says")
	}
	return c.lineFeed()
}

// lineFeed reads the LF that must follow a CR.
func (c *conn) lineFeed() error {
	b, err := c.readByte()
	if err != nil {
		return err
	}
	if b != '\n' {
		return malformedBody("there is a CR without LF between the chunks")
	}
	return nil
}

// readByte returns the next byte. One that it returned last can be read again by c.r--.
func (c *conn) readByte() (byte, error) {
	if c.r == c.w {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	b := c.buf[c.r]
	c.r++
	return b, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20) - 'a' + 10
	}
	return -1
}
