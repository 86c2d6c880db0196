package loadgen

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// responseReader reads HTTP/1.1 responses (RFC 9112) and keeps their status alone. It is strict, for a load
// generator that guesses would count broken answers as good ones; it does not allocate but for errors.
type responseReader struct {
	src      io.Reader
	buf      []byte
	r, w     int // buf[r:w] is received and not yet consumed
	received uint64
}

// maxLine bounds the length of a line in a response's head; the buffer is that long.
const maxLine = 4096

func newResponseReader() *responseReader { return &responseReader{buf: make([]byte, maxLine)} }

// reset makes r read from a new connection.
func (r *responseReader) reset(src io.Reader) { r.src, r.r, r.w = src, 0, 0 }

// next reads one response, after any informational ones, and says whether the connection ends with it.
// Its errors match errMalformed or are those of the connection; an end inside a response is io.ErrUnexpectedEOF.
func (r *responseReader) next() (status int, closing bool, err error) {
	for status < 200 {
		if status, closing, err = r.one(); err != nil {
			return 0, true, err
		}
	}
	if r.r < r.w {
		return 0, true, fmt.Errorf("%w: %d bytes after its end", errMalformed, r.w-r.r)
	}
	return status, closing, nil
}

func (r *responseReader) one() (status int, closing bool, err error) {
	begun := r.r < r.w
	line, err := r.line()
	if err != nil {
		if err == io.EOF && (begun || r.r < r.w) {
			err = io.ErrUnexpectedEOF
		}
		return 0, true, err
	}
	status, minor := parseStatusLine(line)
	if status < 100 || status == 101 { // an upgrade was not asked for
		return 0, true, fmt.Errorf("%w: status line %q", errMalformed, excerpt(line))
	}
	h := head{closing: minor == '0', length: -1}
	for {
		if line, err = r.line(); err != nil {
			return 0, true, unexpected(err)
		}
		if len(line) == 0 {
			break
		}
		if !h.field(line) {
			return 0, true, fmt.Errorf("%w: header line %q", errMalformed, excerpt(line))
		}
	}
	switch {
	case status < 200 || status == 204 || status == 304:
	case h.chunked && h.length >= 0:
		return 0, true, fmt.Errorf("%w: Content-Length and Transfer-Encoding together", errMalformed)
	case h.chunked:
		err = r.skipChunks()
	case h.length >= 0:
		err = r.skip(h.length)
	default: // its length is told by the end of the connection
		h.closing = true
		if err = r.skip(math.MaxInt64); err == io.EOF {
			err = nil
		}
		return status, true, err
	}
	return status, h.closing, unexpected(err)
}

// unexpected marks an end of the connection as one inside a response.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseStatusLine returns the status and the digit of the minor version, or 0 for a line that is no status line.
func parseStatusLine(line []byte) (status int, minor byte) {
	const form = "HTTP/1.1 200"
	if len(line) < len(form) || string(line[:7]) != form[:7] || line[7]&^1 != '0' || line[8] != ' ' ||
		len(line) > len(form) && line[len(form)] != ' ' {
		return 0, 0
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, 0
		}
		status = status*10 + int(c-'0')
	}
	return status, line[7]
}

// head is what matters of the fields of a response.
type head struct {
	closing bool
	chunked bool
	length  int64 // -1: not given
}

// field takes one line and reports whether it is well-formed and agrees with those before.
func (h *head) field(line []byte) bool {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || !isToken(name) {
		return false
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case len("Connection"):
		if !bytes.EqualFold(name, []byte("Connection")) {
			break
		}
		for more := true; more; {
			var option []byte
			option, value, more = bytes.Cut(value, []byte(","))
			option = bytes.Trim(option, " \t")
			if bytes.EqualFold(option, []byte("close")) {
				h.closing = true
			} else if bytes.EqualFold(option, []byte("keep-alive")) { // of HTTP/1.0
				h.closing = false
			}
		}
	case len("Content-Length"):
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			break
		}
		n, ok := parseDigits(value, 10)
		if !ok || h.length >= 0 {
			return false
		}
		h.length = n
	case len("Transfer-Encoding"):
		if !bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			break
		}
		if h.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			return false
		}
		h.chunked = true
	}
	return true
}

// parseDigits parses a non-negative number of base 10 or 16 and at most 15 digits: more than any answer is long.
func parseDigits(s []byte, base int64) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 15 {
		return 0, false
	}
	for _, c := range s {
		d := int64(c - '0')
		if c|0x20 >= 'a' {
			d = int64(c|0x20-'a') + 10
		}
		if c < '0' || c > '9' && c|0x20 < 'a' || d >= base {
			return 0, false
		}
		n = n*base + d
	}
	return n, true
}

// skipChunks consumes a chunked body with its trailers.
func (r *responseReader) skipChunks() error {
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";")) // extensions are ignored
		n, ok := parseDigits(bytes.TrimRight(digits, " \t"), 16)
		if !ok {
			return fmt.Errorf("%w: chunk size %q", errMalformed, excerpt(line))
		}
		if n > 0 {
			if err := r.skip(n); err != nil {
				return err
			}
		}
		for { // the end of the chunk's data, or after the last chunk the trailers
			if line, err = r.line(); err != nil {
				return err
			}
			if len(line) == 0 {
				break
			}
			if n > 0 || !new(head).field(line) {
				return fmt.Errorf("%w: %q after a chunk of %d bytes", errMalformed, excerpt(line), n)
			}
		}
		if n == 0 {
			return nil
		}
	}
}

// line consumes one line and returns it without its CRLF. It is valid until the next call of a method.
func (r *responseReader) line() ([]byte, error) {
	for scanned := 0; ; {
		if i := bytes.IndexByte(r.buf[r.r+scanned:r.w], '\n'); i >= 0 {
			end := r.r + scanned + i
			line := r.buf[r.r:end]
			if len(line) == 0 || line[len(line)-1] != '\r' {
				return nil, fmt.Errorf("%w: line %q ends without CR", errMalformed, excerpt(line))
			}
			r.r = end + 1
			return line[:len(line)-1], nil
		}
		scanned = r.w - r.r
		if scanned == len(r.buf) {
			return nil, fmt.Errorf("%w: a line has more than %d bytes", errMalformed, len(r.buf))
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// skip consumes n bytes.
func (r *responseReader) skip(n int64) error {
	for {
		have := min(int64(r.w-r.r), n)
		r.r += int(have)
		if n -= have; n == 0 {
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// fill receives more, behind what is not yet consumed.
func (r *responseReader) fill() error {
	r.w = copy(r.buf, r.buf[r.r:r.w])
	r.r = 0
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	r.received += uint64(n)
	if n > 0 {
		return nil // an error comes again with the next read
	}
	return err
}

// excerpt bounds how much of an answer an error shows.
func excerpt(s []byte) []byte { return s[:min(len(s), 60)] }
