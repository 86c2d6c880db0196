package ingest

import (
	"errors"
	"io"
	"sync"
)

const (
	smallestBuffer = 4 << 10 // what a connection pins that has sent the first byte of a body
	bufferGrowth   = 4       // from class to class; the copies of all classes together are a third of the last
)

// bufferPool keeps byte buffers in classes of size. A body starts in the smallest and moves up as bytes arrive,
// so memory follows what was received and not what was declared, and no size is allocated for again and again.
// A pool of one class would have to choose between the two.
type bufferPool struct {
	sizes []int
	pools []sync.Pool // of *buffer
}

type buffer struct {
	b     []byte // its capacity is that of the class
	class int
}

// newBufferPool returns a pool whose largest buffers hold one byte more than limit: enough to see that there is more.
func newBufferPool(limit int) *bufferPool {
	var p bufferPool
	for size := smallestBuffer; size <= limit; size *= bufferGrowth {
		p.sizes = append(p.sizes, size)
	}
	p.sizes = append(p.sizes, limit+1)
	p.pools = make([]sync.Pool, len(p.sizes))
	return &p
}

// get returns an empty buffer that holds at least size bytes, if any class does.
func (p *bufferPool) get(size int) *buffer {
	class := 0
	for class < len(p.sizes)-1 && p.sizes[class] < size {
		class++
	}
	if buf, ok := p.pools[class].Get().(*buffer); ok {
		buf.b = buf.b[:0]
		return buf
	}
	return &buffer{b: make([]byte, 0, p.sizes[class]), class: class}
}

// put takes buf back; nobody else may hold its bytes.
func (p *bufferPool) put(buf *buffer) {
	if buf != nil {
		p.pools[buf.class].Put(buf)
	}
}

// grow returns a buffer of the next class with the bytes of buf, which it takes back.
func (p *bufferPool) grow(buf *buffer) *buffer {
	larger := p.get(cap(buf.b) + 1)
	larger.b = append(larger.b, buf.b...)
	p.put(buf)
	return larger
}

var errTooLarge = errors.New("more bytes than the limit")

// fill reads r to its end and returns the buffer that holds it all, which replaces buf; it is valid after an error too.
// More than limit bytes are errTooLarge.
func (p *bufferPool) fill(buf *buffer, r io.Reader, limit int) (*buffer, error) {
	for {
		if len(buf.b) == cap(buf.b) {
			buf = p.grow(buf)
		}
		n, err := r.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		switch {
		case len(buf.b) > limit:
			return buf, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}
