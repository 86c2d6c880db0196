package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"metricstream/docs"
	"metricstream/engines"
)

const (
	body = `{"metrics":[{"name":"cpu_usage","value":75.5,"type":"gauge","timestamp":"2025-09-17T13:45:23.123Z","tags":{"host":"server1"}}]}`
	line = `{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}` + "\n"
)

// running is a Server on real sockets.
type running struct {
	*Server
	url, adminURL string
	serving       sync.WaitGroup
	stopped       bool
}

func testConfig(t *testing.T) Config {
	t.Helper()
	cfg := DefaultConfig()
	cfg.DataDir = t.TempDir()
	return cfg
}

// start runs a server of cfg, and stops it when the test is over.
func start(t *testing.T, cfg Config, log *slog.Logger) *running {
	t.Helper()
	s, err := New(cfg, log, prometheus.NewRegistry())
	require.NoError(t, err)
	r := &running{Server: s}
	r.url = r.serve(t, s.Serve)
	r.adminURL = r.serve(t, s.ServeAdmin)
	t.Cleanup(func() { r.stop(t) })
	return r
}

func (r *running) serve(t *testing.T, serve func(net.Listener) error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.serving.Go(func() { assert.NoError(t, serve(ln)) })
	return "http://" + ln.Addr().String()
}

// stop shuts r down and waits for its goroutines.
func (r *running) stop(t *testing.T) {
	t.Helper()
	if r.stopped {
		return
	}
	r.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, r.Shutdown(ctx))
	r.serving.Wait()
}

func (r *running) file(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(r.DataFile())
	require.NoError(t, err)
	return string(data)
}

// client keeps no connections: a test that counts them sees its own alone.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

func send(t *testing.T, url, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/metrics", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Type", "application/json")
	return do(t, req)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func TestServerStoresWhatItAccepts(t *testing.T) {
	for _, writer := range []string{writerGrouped, writerDirect} {
		t.Run(writer, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Writer, cfg.Ack = writer, "written"
			r := start(t, cfg, slog.New(slog.DiscardHandler))
			status, answer := send(t, r.url, "client-1")
			assert.Equal(t, 200, status)
			assert.Equal(t, `{"accepted":1,"ack":"written"}`, answer)
			assert.Equal(t, line, r.file(t), "what is answered as written is in the file")
		})
	}
}

func TestTwoServersInOneProcess(t *testing.T) {
	first, second := testConfig(t), testConfig(t)
	second.Engine, second.Ack, second.RateLimit, second.MaxConns = "std", "synced", 1, 3
	a := start(t, first, slog.New(slog.DiscardHandler))
	b := start(t, second, slog.New(slog.DiscardHandler))

	status, _ := send(t, a.url, "client")
	assert.Equal(t, 202, status)
	status, _ = send(t, b.url, "client")
	assert.Equal(t, 200, status)
	status, _ = send(t, b.url, "client")
	assert.Equal(t, 429, status)
	status, _ = send(t, a.url, "client")
	assert.Equal(t, 202, status, "the limits of one are not those of the other")

	_, metrics := get(t, a.adminURL+"/metrics")
	assert.Contains(t, metrics, `metricstream_build_info{engine="custom"`)
	assert.Contains(t, metrics, `metricstream_http_requests_total{code="202"} 2`)
	_, metrics = get(t, b.adminURL+"/metrics")
	assert.Contains(t, metrics, `metricstream_build_info{engine="std"`)
	assert.Contains(t, metrics, `metricstream_http_requests_total{code="429"} 1`)
	assert.Contains(t, metrics, `metricstream_storage_info{ack="synced",writer="grouped"} 1`)

	a.stop(t)
	b.stop(t)
	assert.Equal(t, line+line, a.file(t))
	assert.Equal(t, line, b.file(t))
}

// Every name that docs/http-api.md promises is there from the start.
func TestPromisedMetricsAreExported(t *testing.T) {
	r := start(t, testConfig(t), slog.New(slog.DiscardHandler))
	_, metrics := get(t, r.adminURL+"/metrics")
	for _, name := range strings.Fields(`http_requests_total http_request_duration_seconds http_requests_in_flight
		http_connections http_connections_refused_total ingest_metrics_total ingest_rejected_total
		json_decode_duration_seconds ratelimit_decisions_total ratelimit_clients queue_bytes queue_capacity_bytes
		queue_rejected_total journal_written_bytes_total journal_write_duration_seconds
		journal_sync_duration_seconds journal_errors_total journal_repairs_total build_info storage_info`) {
		assert.Contains(t, metrics, "# TYPE metricstream_"+name+" ")
	}
	assert.Contains(t, metrics, "# TYPE go_goroutines gauge")
	assert.Contains(t, metrics, "# TYPE process_cpu_seconds_total counter")

	_, openAPI := get(t, r.adminURL+"/openapi.yaml")
	assert.Equal(t, string(docs.OpenAPI), openAPI)
	_, version := get(t, r.adminURL+"/version")
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(version), &v))
	assert.Equal(t, "custom", v["engine"])
	assert.NotEmpty(t, v["version"])
}

func TestKeysIdentifyClients(t *testing.T) {
	cfg := testConfig(t)
	cfg.Auth, cfg.AuthKeysFile = authKeys, filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(cfg.AuthKeysFile, []byte("# who may send\nshop 0123456789abcdef\n"), 0o600))
	r := start(t, cfg, slog.New(slog.DiscardHandler))
	status, _ := send(t, r.url, "Bearer 0123456789abcdef")
	assert.Equal(t, 202, status)
	status, _ = send(t, r.url, "Bearer 0123456789abcdeX")
	assert.Equal(t, 401, status)
	status, _ = send(t, r.url, "shop")
	assert.Equal(t, 401, status, "a name is no key")
}

func TestWithoutARateLimitThereIsNoLimiter(t *testing.T) {
	cfg := testConfig(t)
	cfg.RateLimit = 0
	r := start(t, cfg, slog.New(slog.DiscardHandler))
	status, _ := send(t, r.url, "client")
	assert.Equal(t, 202, status)
	_, metrics := get(t, r.adminURL+"/metrics")
	assert.NotContains(t, metrics, "metricstream_ratelimit_")
}

func TestReopenFollowsARename(t *testing.T) {
	cfg := testConfig(t)
	cfg.Ack = "written"
	r := start(t, cfg, slog.New(slog.DiscardHandler))
	send(t, r.url, "client")
	rotated := r.DataFile() + ".1"
	require.NoError(t, os.Rename(r.DataFile(), rotated))
	require.NoError(t, r.Reopen())
	send(t, r.url, "client")
	assert.Equal(t, line, r.file(t))
	old, err := os.ReadFile(rotated)
	require.NoError(t, err)
	assert.Equal(t, line, string(old))
}

func TestShutdownAnnouncesItselfAndStoresEverything(t *testing.T) {
	cfg := testConfig(t)
	cfg.DrainDelay = 500 * time.Millisecond
	cfg.Linger = time.Hour // only the end of the journal writes
	r := start(t, cfg, slog.New(slog.DiscardHandler))
	status, _ := send(t, r.url, "client")
	require.Equal(t, 202, status)

	done := make(chan struct{})
	go func() {
		defer close(done)
		r.stop(t)
	}()
	require.Eventually(t, func() bool {
		resp, err := client.Get(r.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 503
	}, 5*time.Second, 5*time.Millisecond, "readyz says that the server goes away before it does")
	<-done
	_, err := client.Get(r.url + "/livez")
	assert.Error(t, err, "a server that was shut down does not answer")
	_, err = client.Get(r.adminURL + "/livez")
	assert.Error(t, err, "nor does its admin listener")
	assert.Contains(t, r.file(t), line)
}

func TestShutdownCutsConnectionsThatDoNotEnd(t *testing.T) {
	var log lockedBuffer
	cfg := testConfig(t)
	cfg.ReadTimeout = time.Minute
	r := start(t, cfg, slog.New(slog.NewTextHandler(&log, nil)))
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "POST /metrics HTTP/1.1\r\nHost: test\r\nAuthorization: slow\r\nContent-Length: 1000\r\n\r\n{")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, metrics := get(t, r.adminURL+"/metrics")
		return strings.Contains(metrics, "metricstream_http_requests_in_flight 1")
	}, 5*time.Second, 5*time.Millisecond, "the request is being read")

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.stopped = true
	require.NoError(t, r.Shutdown(ctx), "a slow client does not make the shutdown fail")
	r.serving.Wait()
	assert.Contains(t, log.String(), "cutting connections")
	assert.Equal(t, 0, r.limit.open())
	_, err = io.ReadAll(c)
	_ = err // a reset or an end: the connection is over either way
}

func TestShutdownDuringTheDelayEndsWithItsContext(t *testing.T) {
	cfg := testConfig(t)
	cfg.DrainDelay, cfg.ShutdownTimeout = time.Hour, 2*time.Hour
	r := start(t, cfg, slog.New(slog.DiscardHandler))
	r.stopped = true
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.Shutdown(ctx) // the journal may or may not be done in no time
	r.serving.Wait()
	require.NoError(t, r.journal.Close(context.Background()), "the journal ends all the same")
}

func TestServeAfterShutdownServesNothing(t *testing.T) {
	s, err := New(testConfig(t), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(context.Background()))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, s.Serve(ln))
	_, err = net.Dial("tcp", ln.Addr().String())
	assert.Error(t, err, "the listener is closed")
}

func TestServeOnABrokenListenerFails(t *testing.T) {
	s, err := New(testConfig(t), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Shutdown(context.Background())) }()
	for name, serve := range map[string]func(net.Listener) error{"data": s.Serve, "admin": s.ServeAdmin} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		err = serve(&failingListener{Listener: inner, failures: 1, err: syscall.EBADF})
		require.ErrorIs(t, err, syscall.EBADF, name)
		assert.ErrorContains(t, err, "cannot serve "+inner.Addr().String())
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	noDir := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(noDir, nil, 0o600))
	for _, c := range []struct {
		name     string
		change   func(*Config)
		want     string
		isConfig bool
	}{
		{"engine", func(c *Config) { c.Engine = "nosuch" }, "want one of custom, naive", true},
		{"keys", func(c *Config) { c.Auth, c.AuthKeysFile = authKeys, noDir }, "--auth-keys-file: " + noDir + ": no keys", true},
		{"directory", func(c *Config) { c.DataDir = noDir }, "cannot open the storage", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t)
			c.change(&cfg)
			_, err := New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, c.isConfig, errors.Is(err, ErrConfig))
		})
	}
}

func TestAnEngineThatDoesNotRunHereIsRefused(t *testing.T) {
	err := runnable("json-engine", engines.Engine{Name: "quick", Check: func() error { return errors.New("no such processor") }})
	require.ErrorIs(t, err, ErrConfig)
	assert.ErrorContains(t, err, "--json-engine=quick does not run in this build, choose another: no such processor")
}

// A registry that holds the metrics of another server is refused at whatever part comes upon it, and the storage,
// if it was open already, is closed again.
func TestARegistryIsForOneServer(t *testing.T) {
	for _, taken := range []string{"metricstream_build_info", "metricstream_ratelimit_clients", "metricstream_queue_bytes",
		"metricstream_http_requests_total", "metricstream_http_connections"} {
		cfg := testConfig(t)
		reg := prometheus.NewRegistry()
		reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: taken, Help: "of another"}))
		_, err := New(cfg, slog.New(slog.DiscardHandler), reg)
		require.Error(t, err, taken)
		s, err := New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		require.NoError(t, err, "the storage is free again after %s", taken)
		require.NoError(t, s.Shutdown(context.Background()))
	}
}

func TestConnectionsFitTheOpenFiles(t *testing.T) {
	var log bytes.Buffer
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	assert.Equal(t, 100, s.fit(100, 100+reservedFiles))
	assert.Equal(t, 100, s.fit(100, 1<<63), "an unlimited number")
	assert.Empty(t, log.String())
	assert.Equal(t, 99, s.fit(100, 99+reservedFiles))
	assert.Contains(t, log.String(), "connections=99")
	assert.Equal(t, 1, s.fit(100, 3), "a server with no connection at all is none")
	assert.Equal(t, 0, s.affordable(0), "no limit stays none")
}

func TestNothingIsLeftRunning(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // ends within its pause
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))    // one in the process
	r := start(t, testConfig(t), slog.New(slog.DiscardHandler))
	send(t, r.url, "client")
	r.stop(t)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
