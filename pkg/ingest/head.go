package ingest

import (
	"bytes"
	"math"
)

// head is what the service reads from a request's header fields. Its slices borrow the raw block.
type head struct {
	authorization, correlation, traceparent, contentType field

	prefer preference
	coding coding
	length int    // of the body that is announced; unknown if it comes in chunks, or if there are two answers
	body   bool   // a length or a transfer coding announces one
	fault  string // the first thing that is not HTTP; empty if there is none
}

// field is a header field that may be given once.
type field struct {
	value []byte
	given int
}

func (f *field) add(value []byte) {
	f.value = value
	f.given++
}

// parse reads a raw block of header fields, as it came, up to and with the empty line.
// fasthttp has parsed it before, refusing repeated or malformed lengths, missing or repeated hosts
// and control characters. What it lets through, and what makes two readers of one message disagree
// on where it ends, is found here. The scan goes on after a fault, for the correlation id may follow.
func (hd *head) parse(raw []byte) {
	*hd = head{}
	length, transfer := false, false
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			hd.blame("a header line does not end in CR LF")
			if end < 0 {
				return
			}
			raw = raw[end+1:]
			continue
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			hd.blame("a header field is folded over several lines")
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || !isToken(line[:colon]) {
			hd.blame("a header field's name is not a token")
			continue
		}
		name, value := line[:colon], trimOWS(line[colon+1:])
		switch len(name) {
		case len("prefer"):
			if equalFold(name, "prefer") {
				hd.prefer.add(value)
			}
		case len("traceparent"):
			if equalFold(name, "traceparent") {
				hd.traceparent.add(value)
			}
		case len("content-type"):
			if equalFold(name, "content-type") {
				hd.contentType.add(value)
			}
		case len("authorization"):
			if equalFold(name, "authorization") {
				hd.authorization.add(value)
			}
		case len("content-length"):
			if equalFold(name, "content-length") {
				if hd.length = parseLength(value); hd.length < 0 || length {
					hd.blame("Content-Length is not one number")
				}
				length = true
				hd.body = hd.body || string(value) != "0"
			}
		case len("content-encoding"): // which is as long as x-correlation-id
			switch {
			case equalFold(name, "content-encoding"):
				hd.coding.add(value)
			case equalFold(name, "x-correlation-id"):
				hd.correlation.add(value)
			}
		case len("transfer-encoding"):
			if equalFold(name, "transfer-encoding") {
				if transfer || !equalFold(value, "chunked") {
					hd.blame("the transfer coding is not chunked, and chunked alone")
				}
				transfer, hd.body = true, true
			}
		}
	}
	switch {
	case len(raw) > 0:
		hd.blame("a header line does not end in CR LF")
	case length && transfer:
		hd.blame("both Content-Length and Transfer-Encoding are given")
	}
	if transfer {
		hd.length = unknown
	}
}

// parseLength returns the number that value is, or unknown.
func parseLength(value []byte) (n int) {
	if len(value) == 0 {
		return unknown
	}
	for _, c := range value {
		if c < '0' || c > '9' || n > (math.MaxInt-9)/10 {
			return unknown
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// meant reports whether one of the fields is one that the service acts upon.
func (hd *head) meant() bool {
	return hd.authorization.given+hd.correlation.given+hd.traceparent.given+hd.contentType.given > 0 ||
		hd.prefer.handling || hd.coding != uncoded || hd.body
}

func (hd *head) blame(fault string) {
	if hd.fault == "" {
		hd.fault = fault
	}
}

// tokenByte marks the characters of a token (RFC 9110, section 5.6.2).
var tokenByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0
	}
	return t
}()

func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenByte[c] {
			return false
		}
	}
	return len(b) > 0
}

// trimOWS drops optional white space, which is spaces and tabs alone, at both ends of b.
func trimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold reports whether b is the lower-case ASCII string lower, whatever the case of its letters.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
