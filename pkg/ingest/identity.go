package ingest

import (
	"crypto/sha256"
	"strconv"

	"metricstream/pkg/metric"
)

const (
	maxIdentity    = 256
	maxCorrelation = 128
)

// identify sets who sends the request: the Authorization itself or, with keys, the name that the key stands for.
// It borrows the header or the Handler's table. Nothing of it is ever logged or sent back.
func (x *exchange) identify() problem {
	auth := &x.head.authorization
	switch {
	case auth.given == 0:
		return problem{kind: unauthorized, detail: "the Authorization header field is missing"}
	case auth.given > 1:
		return problem{kind: malformedAuthorization, detail: "the Authorization header field is given more than once"}
	case len(auth.value) < 1 || len(auth.value) > maxIdentity || !visible(auth.value):
		return problem{kind: malformedAuthorization, detail: "Authorization is not 1 to 256 visible ASCII characters and inner spaces"}
	case x.h.keys == nil:
		x.client = auth.value
		return problem{}
	}
	scheme, key := cutSpace(auth.value)
	switch {
	case !equalFold(scheme, "bearer"):
		return problem{kind: unauthorized, detail: "Authorization must be Bearer and a key"}
	case len(key) == 0 || spaced(key):
		return problem{kind: malformedAuthorization, detail: "Authorization is not Bearer, a space and one key"}
	}
	// Looking up the digest instead of the key leaves nothing to learn from the time of a comparison.
	name, known := x.h.keys[sha256.Sum256(key)]
	if !known {
		return problem{kind: unauthorized, detail: "the key is not known"}
	}
	x.client = name
	return problem{}
}

// challenge is the value of WWW-Authenticate. Where any identity will do there is no registered scheme to name.
func (h *Handler) challenge() string {
	if h.keys != nil {
		return `Bearer realm="metricstream"`
	}
	return `Client realm="metricstream"`
}

func visible(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func spaced(b []byte) bool {
	for _, c := range b {
		if c == ' ' {
			return true
		}
	}
	return false
}

// cutSpace splits b at its first run of spaces.
func cutSpace(b []byte) (before, after []byte) {
	for i, c := range b {
		if c == ' ' {
			return b[:i], trimOWS(b[i:])
		}
	}
	return b, nil
}

// correlate sets the id of this exchange: the client's if it is a valid one given once, else a generated one.
func (x *exchange) correlate() {
	if c := &x.head.correlation; c.given == 1 && validCorrelation(c.value) {
		x.id = append(x.id[:0], c.value...)
		return
	}
	x.id = x.h.appendCorrelation(x.id[:0])
}

func (h *Handler) appendCorrelation(dst []byte) []byte {
	dst = append(dst, h.idPrefix...)
	return strconv.AppendUint(dst, h.idCount.Add(1), 36)
}

func validCorrelation(b []byte) bool {
	for _, c := range b {
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return len(b) >= 1 && len(b) <= maxCorrelation
}

// parseTraceparent parses the value of a W3C traceparent
// (https://www.w3.org/TR/trace-context/#traceparent-header) and tells whether it is valid and sampled.
func parseTraceparent(b []byte) (span metric.SpanContext, sampled, valid bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	var version, flags [1]byte
	if len(b) < length || b[2] != '-' || b[35] != '-' || b[52] != '-' ||
		!unhex(version[:], b[:2]) || !unhex(span.TraceID[:], b[3:35]) ||
		!unhex(span.SpanID[:], b[36:52]) || !unhex(flags[:], b[53:55]) {
		return metric.SpanContext{}, false, false
	}
	switch {
	case version[0] == 0xff,
		version[0] == 0 && len(b) > length,
		len(b) > length && b[length] != '-', // a later version may only add
		span.TraceID == [16]byte{}, span.SpanID == [8]byte{}:
		return metric.SpanContext{}, false, false
	}
	return span, flags[0]&1 != 0, true
}

// unhex decodes lower-case hexadecimal digits, the only ones that the standard allows.
func unhex(dst, src []byte) bool {
	for i := range dst {
		hi, lo := nibble(src[2*i]), nibble(src[2*i+1])
		if hi|lo > 0xf {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}
