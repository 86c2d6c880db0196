package ingest

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"metricstream/pkg/metric"
)

// kind is one way in which a request is not served.
type kind uint8

const (
	none kind = iota
	malformedRequest
	incomplete
	notFound
	methodNotAllowed
	malformedAuthorization
	unauthorized
	rateLimited
	unsupportedMediaType
	unsupportedCoding
	bodyTooLarge
	headerTooLarge
	requestTimeout
	corruptBody
	invalidJSON
	tooManyMetrics
	invalidMetrics
	queueFull
	draining
	storageFailed
	tooManyConnections
	internal
	kinds
)

// kindSpec is what every problem of a kind has in common.
type kindSpec struct {
	status     int
	slug       string // the end of its type and the reason in the metrics; it never changes
	title      string
	detail     string // where the problem itself says nothing more precise
	retryAfter int    // seconds
	close      bool   // the connection ends: where the next request begins is unknown, or there is none to come
}

// specs is the one table from what went wrong to what the client is told.
var specs = [kinds]kindSpec{
	malformedRequest:       {400, "malformed-request", "The request is not well-formed HTTP", "the request cannot be read as HTTP/1.1", 0, true},
	incomplete:             {400, "incomplete-request", "The request ends too early", "the connection ended before the request did", 0, true},
	notFound:               {404, "not-found", "There is nothing at this path", "the paths here are /metrics, /livez and /readyz", 0, false},
	methodNotAllowed:       {405, "method-not-allowed", "The method is not allowed at this path", "", 0, false},
	malformedAuthorization: {400, "malformed-authorization", "Authorization is malformed", "", 0, false},
	unauthorized:           {401, "unauthorized", "The client is not known", "", 0, false},
	rateLimited:            {429, "rate-limited", "The client is over its rate", "this client has sent as many requests as it may for now", 0, false},
	unsupportedMediaType:   {415, "unsupported-media-type", "The media type is not supported", "the body must be application/json", 0, false},
	unsupportedCoding:      {415, "unsupported-content-coding", "The content coding is not supported", "the body may have one of the codings gzip, zstd and snappy (block format), or none", 0, false},
	bodyTooLarge:           {413, "body-too-large", "The body is too large", "the body is larger than the limit", 0, false},
	headerTooLarge:         {431, "header-too-large", "The header is too large", "the request line and header fields are larger than the limit", 0, true},
	requestTimeout:         {408, "request-timeout", "The request took too long to arrive", "the request was not complete in time", 0, true},
	corruptBody:            {400, "corrupt-body", "The body cannot be decompressed", "the body is not what Content-Encoding says", 0, false},
	invalidJSON:            {400, "invalid-json", "The body is not JSON", "", 0, false},
	tooManyMetrics:         {413, "too-many-metrics", "There are too many metrics", "", 0, false},
	invalidMetrics:         {422, "invalid-metrics", "The body is JSON, but not metrics", "", 0, false},
	queueFull:              {503, "queue-full", "The queue is full", "nothing of this request was stored; send it again later", 1, false},
	draining:               {503, "draining", "The service is stopping", "nothing of this request was stored; send it again later", 5, true},
	storageFailed:          {503, "storage-failed", "Storage refused the write", "this request is not acknowledged; send it again later", 5, false},
	tooManyConnections:     {503, "too-many-connections", "There are too many connections", "the limit on connections is reached; connect again later", 1, true},
	internal:               {500, "internal", "The service failed", "the fault is logged under the correlation id in instance", 0, true},
}

// problem is why a request is not served. The zero problem is none.
type problem struct {
	kind       kind
	detail     string               // instead of the kind's
	offset     int                  // of invalidJSON
	retryAfter int                  // instead of the kind's
	invalid    *metric.InvalidError // of invalidMetrics
	cause      error                // for the log
}

// appendJSON appends the problem as RFC 9457 has it. Types are URNs: they name and do not promise a page to be fetched.
func (p *problem) appendJSON(dst, correlation []byte) []byte {
	spec := &specs[p.kind]
	detail := spec.detail
	switch {
	case p.detail != "":
		detail = p.detail
	case p.invalid != nil:
		detail = invalidDetail(p.invalid)
	}
	dst = append(dst, `{"type":"urn:metricstream:problem:`...)
	dst = append(dst, spec.slug...)
	dst = append(dst, `","title":"`...)
	dst = append(dst, spec.title...)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendInt(dst, int64(spec.status), 10)
	dst = append(dst, `,"detail":`...)
	dst = appendText(dst, detail)
	dst = append(dst, `,"instance":"`...)
	dst = append(dst, correlation...) // its characters need no escape
	dst = append(dst, '"')
	if p.kind == invalidJSON {
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendInt(dst, int64(p.offset), 10)
	}
	if p.invalid != nil {
		dst = append(dst, ',')
		dst = appendRejected(dst, p.invalid)
	}
	return append(dst, '}')
}

func invalidDetail(e *metric.InvalidError) string {
	switch e.Rejected {
	case 0:
		return "the envelope breaks a rule; nothing was stored"
	case 1:
		return "1 metric breaks a rule; nothing was stored"
	}
	return strconv.Itoa(e.Rejected) + " metrics break a rule; nothing was stored"
}

// appendRejected appends the members that list what is wrong with the metrics of a request.
func appendRejected(dst []byte, e *metric.InvalidError) []byte {
	dst = append(dst, `"rejected":`...)
	dst = strconv.AppendInt(dst, int64(e.Rejected), 10)
	dst = append(dst, `,"errors":[`...)
	for i := range e.Fields {
		f := &e.Fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		if f.Index == metric.Envelope {
			dst = append(dst, "null"...)
		} else {
			dst = strconv.AppendInt(dst, int64(f.Index), 10)
		}
		dst = append(dst, `,"field":`...)
		dst = appendText(dst, f.Field)
		dst = append(dst, `,"code":`...)
		dst = appendText(dst, string(f.Code))
		dst = append(dst, `,"detail":`...)
		dst = appendText(dst, f.Detail)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendText appends s as a JSON string. Details come from engines too, so s need not be valid UTF-8.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	return metric.AppendJSONString(dst, s)
}
