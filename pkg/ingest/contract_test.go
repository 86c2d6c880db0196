package ingest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/pkg/ingest"
	"metricstream/pkg/metric"
)

func TestAccepted(t *testing.T) {
	for ack, status := range map[string]int{"memory": 202, "written": 200, "synced": 200} {
		cfg := config()
		cfg.Ack = ack
		s := start(t, cfg, nil)
		before := time.Now()
		r := s.post(t, good, "Content-Type", jsonCT, "X-Correlation-ID", "a.B_9-")
		assert.Equal(t, status, r.status)
		assert.Equal(t, `{"accepted":1,"ack":"`+ack+`"}`, r.body)
		assert.Equal(t, jsonCT, r.header.Get("Content-Type"))
		assert.Equal(t, "a.B_9-", r.header.Get("X-Correlation-ID"))
		assert.NotEmpty(t, r.header.Get("Date"))
		assert.Empty(t, r.header.Get("Server"))
		assert.Empty(t, r.header.Get("Connection"))
		require.Len(t, s.sink.all(), 1)
		rec := s.sink.all()[0]
		assert.Equal(t, stored, string(rec.Lines))
		assert.Equal(t, "tester", string(rec.Client))
		assert.Equal(t, 1, rec.Metrics)
		assert.NotZero(t, rec.Conn)
		assert.WithinRange(t, rec.Received, before, time.Now())
		assert.Zero(t, rec.Span)
		assert.EqualValues(t, 1, s.counter(t, "metricstream_http_requests_total{"+strconv.Itoa(status)+"}"))
		assert.EqualValues(t, 1, s.counter(t, "metricstream_ingest_metrics_total{accepted}"))
		assert.EqualValues(t, 1, s.counter(t, "metricstream_http_request_duration_seconds"))
		assert.EqualValues(t, 1, s.counter(t, "metricstream_json_decode_duration_seconds{custom}"))
		assert.Zero(t, s.counter(t, "metricstream_http_requests_in_flight"))
	}
}

// A metric without a time takes that of the request's receipt.
func TestReceived(t *testing.T) {
	s := start(t, config(), nil)
	require.Equal(t, 202, s.post(t, `{"metrics":[{"name":"a","value":1,"type":"gauge"},{"name":"a","value":1,"type":"gauge"}]}`).status)
	rec := s.sink.all()[0]
	want := rec.Received.UTC().Format("2006-01-02T15:04:05.000")
	assert.Equal(t, 2, strings.Count(string(rec.Lines), `{"timestamp":"`+want))
}

// Every row of the contract: the status, the problem's type, and the fields that go with it.
func TestRefused(t *testing.T) {
	many := `{"metrics":[` + strings.Repeat(`{"name":"a","value":1,"type":"gauge"},`, metric.MaxMetrics) + `{"name":"a","value":1,"type":"gauge"}]}`
	auth := []string{"Authorization", "tester"}
	with := func(fields ...string) []string { return append(append([]string(nil), auth...), fields...) }
	for _, c := range []struct {
		name, method, target, body string
		fields                     []string
		status                     int
		slug                       string
		want                       []string // fields of the response
	}{
		{"path", "POST", "/", good, auth, 404, "not-found", nil},
		{"path below", "POST", "/metrics/", good, auth, 404, "not-found", nil},
		{"path doubled", "POST", "//metrics", good, auth, 404, "not-found", nil},
		{"path escaped", "POST", "/%6detrics", good, auth, 404, "not-found", nil},
		{"GET", "GET", "/metrics", "", auth, 405, "method-not-allowed", []string{"Allow", "POST"}},
		{"PUT", "PUT", "/metrics", good, auth, 405, "method-not-allowed", []string{"Allow", "POST"}},
		{"DELETE", "DELETE", "/metrics", "", auth, 405, "method-not-allowed", []string{"Allow", "POST"}},
		{"OPTIONS", "OPTIONS", "/metrics", "", auth, 405, "method-not-allowed", []string{"Allow", "POST"}},
		{"POST livez", "POST", "/livez", good, auth, 405, "method-not-allowed", []string{"Allow", "GET, HEAD"}},
		{"no client", "POST", "/metrics", good, nil, 401, "unauthorized", []string{"WWW-Authenticate", `Client realm="metricstream"`}},
		{"empty client", "POST", "/metrics", good, []string{"Authorization", ""}, 400, "malformed-authorization", nil},
		{"long client", "POST", "/metrics", good, []string{"Authorization", strings.Repeat("x", 257)}, 400, "malformed-authorization", nil},
		{"client with a tab", "POST", "/metrics", good, []string{"Authorization", "a\tb"}, 400, "malformed-authorization", nil},
		{"client not ASCII", "POST", "/metrics", good, []string{"Authorization", "caf\xc3\xa9"}, 400, "malformed-authorization", nil},
		{"two clients", "POST", "/metrics", good, with("Authorization", "other"), 400, "malformed-authorization", nil},
		{"media type", "POST", "/metrics", good, with("Content-Type", "text/plain"), 415, "unsupported-media-type", []string{"Accept", jsonCT}},
		{"two media types", "POST", "/metrics", good, with("Content-Type", jsonCT, "Content-Type", jsonCT), 415, "unsupported-media-type", nil},
		{"form", "POST", "/metrics", good, with("Content-Type", "multipart/form-data; boundary=x"), 415, "unsupported-media-type", nil},
		{"coding", "POST", "/metrics", good, with("Content-Encoding", "br"), 415, "unsupported-content-coding", []string{"Accept-Encoding", "gzip, zstd, snappy"}},
		{"two codings", "POST", "/metrics", good, with("Content-Encoding", "gzip, gzip"), 415, "unsupported-content-coding", nil},
		{"codings in two fields", "POST", "/metrics", good, with("Content-Encoding", "gzip", "Content-Encoding", "zstd"), 415, "unsupported-content-coding", nil},
		{"not gzip", "POST", "/metrics", good, with("Content-Encoding", "gzip"), 400, "corrupt-body", nil},
		{"not zstd", "POST", "/metrics", good, with("Content-Encoding", "zstd"), 400, "corrupt-body", nil},
		{"not snappy", "POST", "/metrics", "\x05", with("Content-Encoding", "snappy"), 400, "corrupt-body", nil},
		{"large", "POST", "/metrics", strings.Repeat(" ", maxBody+1), auth, 413, "body-too-large", nil},
		{"empty", "POST", "/metrics", "", auth, 400, "invalid-json", nil},
		{"grammar", "POST", "/metrics", `{"metrics":[}`, auth, 400, "invalid-json", nil},
		{"too many", "POST", "/metrics", many, auth, 413, "too-many-metrics", nil},
		{"rules", "POST", "/metrics", bad, auth, 422, "invalid-metrics", nil},
		{"rules, all bad, lenient", "POST", "/metrics", bad, with("Prefer", "handling=lenient"), 422, "invalid-metrics", nil},
		{"envelope, lenient", "POST", "/metrics", `{}`, with("Prefer", "handling=lenient"), 422, "invalid-metrics", nil},
		{"rules, strict", "POST", "/metrics", mixed, with("Prefer", "handling=strict"), 422, "invalid-metrics", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, config(), nil)
			r := s.do(t, c.method, c.target, c.body, c.fields...)
			assert.Equal(t, c.status, r.status)
			assert.Equal(t, c.slug, slug(t, r))
			for i := 0; i < len(c.want); i += 2 {
				assert.Equal(t, c.want[i+1], r.header.Get(c.want[i]), c.want[i])
			}
			assert.Empty(t, s.sink.all(), "a refused request was stored")
			assert.EqualValues(t, 1, s.counter(t, "metricstream_ingest_rejected_total{"+c.slug+"}"))
			assert.EqualValues(t, 1, s.counter(t, "metricstream_http_requests_total{"+strconv.Itoa(c.status)+"}"))
			assert.Contains(t, s.logs.String(), r.header.Get("X-Correlation-ID"))
			assert.NotContains(t, s.logs.String(), "tester", "the client's identity is in the log")
			assert.NotContains(t, r.body, "tester", "the client's identity is sent back")
		})
	}
}

func TestProblemMembers(t *testing.T) {
	s := start(t, config(), nil)
	p := s.post(t, `{"metrics":[}`).problem(t)
	assert.EqualValues(t, 12, p["offset"])

	p = s.post(t, mixed).problem(t)
	assert.EqualValues(t, 1, p["rejected"])
	assert.Equal(t, "1 metric breaks a rule; nothing was stored", p["detail"])
	require.Len(t, p["errors"], 1)
	e := p["errors"].([]any)[0].(map[string]any)
	assert.EqualValues(t, 0, e["index"])
	assert.Equal(t, "name", e["field"])
	assert.Equal(t, "pattern", e["code"])
	assert.Contains(t, e["detail"], `"1x"`)

	p = s.post(t, `{"metrics":[{"name":"","value":1,"type":"gauge"},{"name":"a","value":1e999,"type":"gauge"}]}`).problem(t)
	assert.EqualValues(t, 2, p["rejected"])
	assert.Equal(t, "2 metrics break a rule; nothing was stored", p["detail"])

	p = s.post(t, `{}`).problem(t)
	assert.EqualValues(t, 0, p["rejected"])
	e = p["errors"].([]any)[0].(map[string]any)
	assert.Contains(t, e, "index")
	assert.Nil(t, e["index"])
	assert.Equal(t, "metrics", e["field"])
	assert.Equal(t, "required", e["code"])

	assert.Contains(t, s.do(t, "GET", "/metrics", "").problem(t)["detail"], "http://127.0.0.1:8081/metrics")
	r := s.do(t, "HEAD", "/metrics", "")
	assert.Equal(t, 405, r.status)
	assert.Empty(t, r.body)
}

// A detail that an engine made of bytes that are no UTF-8 does not make the response invalid.
func TestInvalidUTF8InDetail(t *testing.T) {
	cfg := config()
	cfg.NewDecoder = func() metric.Decoder {
		return decoderFunc(func(*metric.Batch, []byte) error {
			return &metric.SyntaxError{Offset: 3, Detail: "a\xff\"b"}
		})
	}
	assert.Equal(t, "a\uFFFD\"b", start(t, cfg, nil).post(t, good).problem(t)["detail"])
}

type decoderFunc func(*metric.Batch, []byte) error

func (f decoderFunc) Decode(b *metric.Batch, body []byte) error { return f(b, body) }

// A request with every fault is refused for the first in the contract's order; without that one, for the next.
func TestPrecedence(t *testing.T) {
	cfg := config()
	cfg.MaxBodyBytes = 4096
	allowed := false
	limiter := limiterFunc(func([]byte, time.Time) (time.Duration, bool) { return time.Second, allowed })
	s := start(t, cfg, limiter)
	target, method, auth, ctype, body := "/nowhere", "PUT", "", "text/plain", strings.Repeat("[", 5000)
	step := func(status int, slugWant string) {
		t.Helper()
		fields := []string{"Content-Type", ctype}
		if auth != "" {
			fields = append(fields, "Authorization", auth)
		}
		r := s.do(t, method, target, body, fields...)
		assert.Equal(t, status, r.status)
		assert.Equal(t, slugWant, slug(t, r))
	}
	step(404, "not-found")
	target = "/metrics"
	step(405, "method-not-allowed")
	method = "POST"
	step(401, "unauthorized")
	auth = strings.Repeat("a", 300)
	step(400, "malformed-authorization")
	auth = "tester"
	step(429, "rate-limited")
	allowed = true
	step(415, "unsupported-media-type")
	ctype = jsonCT
	step(413, "body-too-large")
	body = "[[["
	step(400, "invalid-json")
	body = "{}"
	step(422, "invalid-metrics")
	s.Drain()
	target, auth = "/nowhere", ""
	step(404, "not-found")
	target = "/metrics"
	step(503, "draining")
	assert.Empty(t, s.sink.all())
}

func TestLenient(t *testing.T) {
	for _, prefer := range [][]string{
		{"Prefer", "handling=lenient"},
		{"Prefer", `respond-async, HANDLING="lenient"; x=1`},
		{"Prefer", `foo="a,handling=strict\","`, "Prefer", " wait=10 , handling = lenient"},
		{"Prefer", "handling=lenient", "Prefer", "handling=strict"}, // the first counts
	} {
		s := start(t, config(), nil)
		r := s.post(t, mixed, prefer...)
		assert.Equal(t, 202, r.status, "%q", prefer)
		assert.Equal(t, "handling=lenient", r.header.Get("Preference-Applied"))
		assert.Regexp(t, `^\{"accepted":1,"ack":"memory","rejected":1,"errors":\[\{"index":0,"field":"name","code":"pattern","detail":"[^\n]*"\}\]\}$`, r.body)
		assert.Equal(t, `{"timestamp":"1970-01-01T00:00:00.000Z","name":"ok","value":1,"type":"gauge"}`+"\n", s.sink.lines())
		assert.EqualValues(t, 1, s.counter(t, "metricstream_ingest_metrics_total{rejected}"))
		assert.EqualValues(t, 1, s.counter(t, "metricstream_ingest_metrics_total{accepted}"))
	}
	s := start(t, config(), nil)
	assert.Equal(t, `{"accepted":1,"ack":"memory","rejected":0,"errors":[]}`, s.post(t, good, "Prefer", "handling=lenient").body)
	assert.Equal(t, 400, s.post(t, mixed+"]", "Prefer", "handling=lenient").status)
}

func TestMediaType(t *testing.T) {
	s := start(t, config(), nil)
	for _, ct := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y"} {
		assert.Equal(t, 202, s.post(t, good, "Content-Type", ct).status, ct)
	}
	assert.Equal(t, 202, s.post(t, good).status)
	for _, ct := range []string{"", "application/jsonl", "application/problem+json", ";application/json"} {
		assert.Equal(t, 415, s.post(t, good, "Content-Type", ct).status, ct)
	}
}

func TestIdentity(t *testing.T) {
	s := start(t, config(), nil)
	for _, id := range []string{"x", "!~", "Bearer abc", "a  b", strings.Repeat("x", 256)} {
		assert.Equal(t, 202, s.do(t, "POST", "/metrics", good, "Authorization", id).status, id)
		records := s.sink.all()
		assert.Equal(t, id, string(records[len(records)-1].Client))
	}
}

func TestKeys(t *testing.T) {
	cfg := config()
	cfg.Keys = map[[32]byte]string{sum("s3cret"): "team-a"}
	s := start(t, cfg, nil)
	for _, c := range []struct {
		auth   string
		status int
	}{
		{"Bearer s3cret", 202}, {"bEARER   s3cret", 202},
		{"Bearer wrong", 401}, {"Basic s3cret", 401}, {"s3cret", 401}, {"Bearers3cret", 401},
		{"Bearer", 400}, {"Bearer a b", 400},
	} {
		r := s.do(t, "POST", "/metrics", good, "Authorization", c.auth)
		assert.Equal(t, c.status, r.status, c.auth)
		if c.status == 401 {
			assert.Equal(t, `Bearer realm="metricstream"`, r.header.Get("WWW-Authenticate"))
		}
	}
	assert.Equal(t, 401, s.do(t, "POST", "/metrics", good).status)
	require.Len(t, s.sink.all(), 2)
	assert.Equal(t, "team-a", string(s.sink.all()[0].Client))
	assert.NotContains(t, s.logs.String(), "s3cret")
}

func TestRateLimit(t *testing.T) {
	cfg := config()
	cfg.RateLimit, cfg.RateWindow = 100, 1500*time.Millisecond
	s := start(t, cfg, limiterFunc(refuseAll))
	r := s.post(t, good)
	assert.Equal(t, 429, r.status)
	assert.Equal(t, "rate-limited", slug(t, r))
	assert.Equal(t, "2", r.header.Get("Retry-After"))
	assert.Equal(t, `"client";q=100;w=2`, r.header.Get("RateLimit-Policy"))
	assert.Equal(t, `"client";r=0;t=2`, r.header.Get("RateLimit"))
	assert.Empty(t, r.header.Get("Connection"), "a refused client keeps its connection")

	var client string
	var now time.Time
	s = start(t, cfg, limiterFunc(func(c []byte, n time.Time) (time.Duration, bool) {
		client, now = string(c), n
		return 0, true
	}))
	require.Equal(t, 202, s.post(t, good).status)
	assert.Equal(t, "tester", client)
	assert.True(t, now.Equal(s.sink.all()[0].Received))
}

func TestCorrelation(t *testing.T) {
	s := start(t, config(), nil)
	seen := map[string]bool{}
	for _, sent := range [][]string{
		nil, {""}, {"a b"}, {"ä"}, {"a/b"}, {strings.Repeat("a", 129)}, {"one", "two"},
	} {
		var fields []string
		for _, v := range sent {
			fields = append(fields, "X-Correlation-ID", v)
		}
		r := s.do(t, "GET", "/livez", "", fields...)
		id := r.header.Get("X-Correlation-ID")
		assert.Regexp(t, `^[A-Z0-9]{13}-[0-9a-z]+$`, id)
		assert.Len(t, r.header.Values("X-Correlation-ID"), 1)
		assert.False(t, seen[id], "%s was given before", id)
		seen[id] = true
	}
	long := strings.Repeat("a", 128)
	assert.Equal(t, long, s.do(t, "GET", "/nowhere", "", "x-correlation-id", long).header.Get("X-Correlation-ID"))
}

func TestTrace(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	s := start(t, config(), nil)
	require.Equal(t, 202, s.post(t, good, "traceparent", "00-"+id+"-b7ad6b7169203331-01").status)
	require.Equal(t, 202, s.post(t, good, "traceparent", "00-"+id+"-b7ad6b7169203331-00").status)
	require.Equal(t, 202, s.post(t, good, "traceparent", "00-"+id+"-b7ad6b7169203331-01", "traceparent", "00-"+id+"-b7ad6b7169203331-01").status)
	records := s.sink.all()
	assert.Equal(t, id, fmt.Sprintf("%x", records[0].Span.TraceID))
	assert.Equal(t, "b7ad6b7169203331", fmt.Sprintf("%x", records[0].Span.SpanID))
	assert.Zero(t, records[1].Span, "not sampled")
	assert.Zero(t, records[2].Span, "given twice")
	require.Equal(t, 422, s.post(t, bad, "traceparent", "00-"+id+"-b7ad6b7169203331-00").status)
	assert.Contains(t, s.logs.String(), `"trace_id":"`+id+`"`)
}

func TestSinkErrors(t *testing.T) {
	for _, c := range []struct {
		err        error
		slug       string
		retryAfter string
	}{
		{fmt.Errorf("wrapped: %w", metric.ErrFull), "queue-full", "1"},
		{metric.ErrClosed, "draining", "5"},
		{metric.ErrFailed, "storage-failed", "5"},
		{errors.New("something else"), "storage-failed", "5"},
	} {
		s := start(t, config(), nil)
		s.sink.err = c.err
		for range 3 {
			r := s.post(t, good)
			assert.Equal(t, 503, r.status)
			assert.Equal(t, c.slug, slug(t, r))
			assert.Equal(t, c.retryAfter, r.header.Get("Retry-After"))
		}
		assert.Zero(t, s.counter(t, "metricstream_ingest_metrics_total{accepted}"))
		if c.slug != "draining" {
			assert.Contains(t, s.logs.String(), `"level":"ERROR"`)
			assert.LessOrEqual(t, strings.Count(s.logs.String(), "\n"), 2, "one line a second")
		}
	}
}

func TestHealth(t *testing.T) {
	s := start(t, config(), nil)
	for _, target := range []string{"/livez", "/readyz", "/readyz?verbose", "/livez?verbose"} {
		r := s.do(t, "GET", target, "")
		assert.Equal(t, 200, r.status)
		assert.Equal(t, "ok\n", r.body)
		assert.Equal(t, "no-store", r.header.Get("Cache-Control"))
		assert.NotEmpty(t, r.header.Get("X-Correlation-ID"))
		r = s.do(t, "HEAD", target, "")
		assert.Equal(t, 200, r.status)
		assert.Empty(t, r.body)
	}
	cfg := config()
	cfg.Health = func(verbose bool) (bool, string) {
		if verbose {
			return false, "storage: failing"
		}
		return false, ""
	}
	s = start(t, cfg, nil)
	assert.Equal(t, 200, s.do(t, "GET", "/livez", "").status)
	r := s.do(t, "GET", "/readyz", "")
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "not ready\n", r.body)
	assert.Equal(t, "not ready\nstorage: failing\n", s.do(t, "GET", "/readyz?verbose", "").body)
	s.Drain()
	assert.Equal(t, "not ready\nstorage: failing\ndraining\n", s.do(t, "GET", "/readyz?verbose", "").body)
}

func TestDrain(t *testing.T) {
	s := start(t, config(), nil)
	require.Equal(t, 202, s.post(t, good).status)
	s.Drain()
	s.Drain()
	r := s.post(t, good)
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "draining", slug(t, r))
	assert.NotEmpty(t, r.header.Get("Retry-After"))
	assert.Equal(t, "close", r.header.Get("Connection"))
	assert.Equal(t, 503, s.do(t, "GET", "/readyz", "").status)
	r = s.do(t, "GET", "/livez", "")
	assert.Equal(t, 200, r.status)
	assert.Equal(t, "close", r.header.Get("Connection"))
	assert.Len(t, s.sink.all(), 1)
}

// One request is at work, the others wait; draining turns those that wait away and lets the one finish.
func TestMaxInFlight(t *testing.T) {
	cfg := config()
	cfg.MaxInFlight = 1
	s := start(t, cfg, nil)
	s.sink.hold, s.sink.entered = make(chan struct{}), make(chan struct{}, 8)
	results := make(chan int, 4)
	for range 4 {
		go func() { results <- s.post(t, good).status }()
	}
	<-s.sink.entered
	require.Eventually(t, func() bool { return s.counter(t, "metricstream_http_requests_in_flight") == 4 },
		5*time.Second, time.Millisecond)
	s.sink.hold <- struct{}{} // one leaves and one of the others follows
	assert.Equal(t, 202, <-results)
	<-s.sink.entered
	assert.Empty(t, s.sink.entered, "two requests were at work at once")
	s.Drain()
	assert.Equal(t, 503, <-results)
	assert.Equal(t, 503, <-results)
	close(s.sink.hold)
	assert.Equal(t, 202, <-results)
	assert.Len(t, s.sink.all(), 2)
}

func TestPanic(t *testing.T) {
	for name, v := range map[string]any{"error": errors.New("secret body"), "string": "boom", "other": 7} {
		cfg := config()
		cfg.MaxInFlight = 1
		fail := true
		cfg.NewDecoder = func() metric.Decoder {
			return decoderFunc(func(b *metric.Batch, _ []byte) error {
				if fail {
					panic(v)
				}
				b.Reset()
				b.Metrics = append(b.Metrics, metric.Metric{Name: "a", Type: metric.Gauge})
				return nil
			})
		}
		s := start(t, cfg, nil)
		r := s.post(t, good, "X-Correlation-ID", "find-me")
		assert.Equal(t, 500, r.status, name)
		assert.Equal(t, "internal", slug(t, r))
		assert.Equal(t, "close", r.header.Get("Connection"))
		assert.Contains(t, s.logs.String(), `"correlation_id":"find-me"`)
		assert.Contains(t, s.logs.String(), `"stack":"goroutine `)
		fail = false
		assert.Equal(t, 202, s.post(t, good).status, "the slot is free again")
		assert.Zero(t, s.counter(t, "metricstream_http_requests_in_flight"))
	}
}

func TestUnknownDecoderError(t *testing.T) {
	cfg := config()
	cfg.NewDecoder = func() metric.Decoder {
		return decoderFunc(func(*metric.Batch, []byte) error { return errors.New("engine and guard differ") })
	}
	s := start(t, cfg, nil)
	r := s.post(t, good)
	assert.Equal(t, 500, r.status)
	assert.Equal(t, "internal", slug(t, r))
	assert.Contains(t, s.logs.String(), "engine and guard differ")
	assert.NotContains(t, r.body, "engine and guard differ")
}

func TestRuntimePanicIsLoggedWhole(t *testing.T) {
	cfg := config()
	cfg.NewDecoder = func() metric.Decoder {
		return decoderFunc(func(_ *metric.Batch, b []byte) error { _ = b[len(b)]; return nil })
	}
	s := start(t, cfg, nil)
	assert.Equal(t, 500, s.post(t, good).status)
	assert.Contains(t, s.logs.String(), fmt.Sprintf("index out of range [%d] with length %d", len(good), len(good)))
}

func TestAppendRefusal(t *testing.T) {
	s := start(t, config(), nil)
	wire := s.AppendRefusal([]byte("x"))
	require.Equal(t, byte('x'), wire[0])
	r := parse(t, string(wire[1:]))
	assert.Equal(t, 503, r.status)
	assert.Equal(t, "too-many-connections", slug(t, r))
	assert.Equal(t, "1", r.header.Get("Retry-After"))
	assert.Equal(t, "close", r.header.Get("Connection"))
	_, err := http.ParseTime(r.header.Get("Date"))
	assert.NoError(t, err)
	assert.NotEqual(t, r.header.Get("X-Correlation-ID"), parse(t, string(s.AppendRefusal(nil))).header.Get("X-Correlation-ID"))
	assert.EqualValues(t, 2, s.counter(t, "metricstream_ingest_rejected_total{too-many-connections}"))
}

func TestNewRefusesNonsense(t *testing.T) {
	for want, change := range map[string]func(*ingest.Config){
		"no decoder":         func(c *ingest.Config) { c.NewDecoder = nil },
		`ack is "maybe"`:     func(c *ingest.Config) { c.Ack = "maybe" },
		"body limit":         func(c *ingest.Config) { c.MaxBodyBytes = 0 },
		"requests in flight": func(c *ingest.Config) { c.MaxInFlight = -1 },
		"there is none":      func(c *ingest.Config) { c.Keys = map[[32]byte]string{} },
	} {
		cfg := config()
		change(&cfg)
		_, err := ingest.New(cfg, new(recorder), nil, nil, nil)
		assert.ErrorContains(t, err, want)
	}
	_, err := ingest.New(config(), nil, nil, nil, nil)
	assert.ErrorContains(t, err, "no sink")
	s := start(t, config(), nil)
	_, err = ingest.New(config(), new(recorder), nil, nil, s.reg)
	assert.ErrorContains(t, err, "cannot register metrics")
}
