package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines/custom"
	"metricstream/pkg/ingest"
	"metricstream/pkg/metric"
)

const (
	good    = `{"metrics":[{"name":"cpu_usage","value":75.5,"type":"gauge","timestamp":"2025-09-17T13:45:23.123Z","tags":{"host":"server1"}}]}`
	stored  = `{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}` + "\n"
	bad     = `{"metrics":[{"name":"1x","value":1,"type":"gauge"}]}`
	mixed   = `{"metrics":[{"name":"1x","value":1,"type":"gauge"},{"name":"ok","value":1,"type":"gauge","timestamp":0}]}`
	jsonCT  = "application/json"
	maxBody = 1 << 20
)

// recorder is a sink that keeps what it is given, as a sink may: by copying.
type recorder struct {
	mu      sync.Mutex
	records []metric.Record // Client and Lines are copies
	err     error
	hold    chan struct{} // if not nil, Append waits for it
	entered chan struct{} // if not nil, Append says that it is there
}

func (r *recorder) Append(rec metric.Record) error {
	if r.entered != nil {
		r.entered <- struct{}{}
	}
	if r.hold != nil {
		<-r.hold
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	rec.Client, rec.Lines = bytes.Clone(rec.Client), bytes.Clone(rec.Lines)
	r.records = append(r.records, rec)
	return nil
}

func (r *recorder) all() []metric.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records
}

// lines returns everything that was stored.
func (r *recorder) lines() string {
	var s strings.Builder
	for _, rec := range r.all() {
		s.Write(rec.Lines)
	}
	return s.String()
}

// limiterFunc makes a function a Limiter.
type limiterFunc func(client []byte, now time.Time) (time.Duration, bool)

func (f limiterFunc) Allow(client []byte, now time.Time) (time.Duration, bool) { return f(client, now) }

func refuseAll([]byte, time.Time) (time.Duration, bool) { return 1500 * time.Millisecond, false }

// service is a handler behind a real socket.
type service struct {
	*ingest.Handler
	sink *recorder
	reg  *prometheus.Registry
	logs *syncBuffer
	addr string
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func config() ingest.Config {
	return ingest.Config{
		Engine:         "custom",
		NewDecoder:     func() metric.Decoder { return custom.New() },
		Ack:            "memory",
		MaxBodyBytes:   maxBody,
		AdminAddr:      "127.0.0.1:8081",
		MaxHeaderBytes: 8 << 10,
		ReadTimeout:    20 * time.Second,
		WriteTimeout:   20 * time.Second,
		IdleTimeout:    20 * time.Second,
	}
}

// start serves cfg until the test ends.
func start(t testing.TB, cfg ingest.Config, limiter ingest.Limiter) *service {
	t.Helper()
	s := &service{sink: new(recorder), reg: prometheus.NewRegistry(), logs: new(syncBuffer)}
	log := slog.New(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.Handler, err = ingest.New(cfg, s.sink, limiter, log, s.reg)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = ln.Addr().String()
	serve(t, s.HTTPServer(), ln)
	return s
}

func serve(t testing.TB, server *ingest.HTTPServer, ln net.Listener) {
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		_ = ln.Close()           // Shutdown does not know a listener that Serve has not come to yet
		_ = server.Shutdown(ctx) // connections that a test left open are no matter here
		<-done
	})
}

// reply is a response, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// problem decodes a problem body, checking what all problems have in common.
func (r reply) problem(t testing.TB) map[string]any {
	t.Helper()
	var p map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &p), "body: %s", r.body)
	assert.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
	assert.EqualValues(t, r.status, p["status"])
	assert.Equal(t, r.header.Get("X-Correlation-ID"), p["instance"])
	assert.NotEmpty(t, p["title"])
	assert.NotEmpty(t, p["detail"])
	return p
}

func slug(t testing.TB, r reply) string {
	t.Helper()
	typ, _ := r.problem(t)["type"].(string)
	got, found := strings.CutPrefix(typ, "urn:metricstream:problem:")
	assert.True(t, found, "type %q", typ)
	return got
}

func (s *service) do(t testing.TB, method, target, body string, fields ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+target, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	return readReply(t, resp)
}

func (s *service) post(t testing.TB, body string, fields ...string) reply {
	t.Helper()
	return s.do(t, "POST", "/metrics", body, append([]string{"Authorization", "tester"}, fields...)...)
}

func readReply(t testing.TB, resp *http.Response) reply {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	header := resp.Header
	if resp.Close { // net/http takes the field out
		header.Set("Connection", "close")
	}
	return reply{resp.StatusCode, header, string(b)}
}

// raw is a connection to speak on byte by byte.
type raw struct {
	net.Conn
	r *bufio.Reader
}

func (s *service) dial(t testing.TB) *raw {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(15*time.Second)))
	return &raw{c, bufio.NewReader(c)}
}

func (c *raw) send(t testing.TB, s string) {
	t.Helper()
	_, err := io.WriteString(c, s)
	require.NoError(t, err)
}

// next reads one response; interim responses are responses too.
func (c *raw) next(t testing.TB) reply {
	t.Helper()
	return c.nextTo(t, "POST")
}

func (c *raw) nextTo(t testing.TB, method string) reply {
	t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	require.NoError(t, err)
	return readReply(t, resp)
}

// closed reports whether the connection ends without another byte.
func (c *raw) closed() bool {
	_, err := c.r.ReadByte()
	var timeout net.Error
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}

func head(lines ...string) string {
	return strings.Join(append(lines, "", ""), "\r\n")
}

func (s *service) counter(t testing.TB, name string) float64 {
	t.Helper()
	families, err := s.reg.Gather()
	require.NoError(t, err)
	key, label, _ := strings.Cut(name, "{")
	label = strings.TrimSuffix(label, "}")
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == key && (label == "" || len(m.GetLabel()) > 0 && m.GetLabel()[0].GetValue() == label) {
				switch {
				case m.GetCounter() != nil:
					return m.GetCounter().GetValue()
				case m.GetHistogram() != nil:
					return float64(m.GetHistogram().GetSampleCount())
				}
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestMetricNames(t *testing.T) {
	s := start(t, config(), nil)
	problems, err := testutil.GatherAndLint(s.reg)
	require.NoError(t, err)
	assert.Empty(t, problems)
}
