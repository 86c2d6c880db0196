package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newAdmin returns an admin with one metric, and what it logs.
func newAdmin(t *testing.T) (Admin, *bytes.Buffer) {
	t.Helper()
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "metricstream_test_total", Help: "of the test"})
	reg.MustRegister(c)
	c.Add(7)
	var log bytes.Buffer
	return Admin{
		Metrics: reg,
		Health:  &Health{},
		Version: map[string]string{"engine": "custom"},
		OpenAPI: []byte("openapi: 3.1.0\n"),
		Log:     NewLogger(&log, slog.LevelDebug),
	}, &log
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(body)
}

func TestAdminAnswers(t *testing.T) {
	a, _ := newAdmin(t)
	h, err := a.Handler()
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	defer srv.Close()

	for _, c := range []struct{ path, contentType, body string }{
		{"/", "text/html; charset=utf-8", "<title>MetricStream</title>"},
		{"/metrics", "text/plain; version=0.0.4", "\nmetricstream_test_total 7\n"},
		{"/version", "application/json", "{\"engine\":\"custom\"}\n"},
		{"/openapi.yaml", "application/yaml", "openapi: 3.1.0\n"},
		{"/livez", "text/plain; charset=utf-8", "ok\n"},
		{"/readyz", "text/plain; charset=utf-8", "ok\n"},
		{"/readyz?verbose", "text/plain; charset=utf-8", "ok\n[+]shutdown ok\n"},
		{"/debug/pprof/", "text/html; charset=utf-8", "goroutine"},
		{"/debug/pprof/heap?debug=1", "text/plain; charset=utf-8", "heap profile:"},
		{"/debug/pprof/cmdline", "text/plain; charset=utf-8", "telemetry.test"},
	} {
		code, header, body := get(t, srv.URL+c.path)
		assert.Equal(t, http.StatusOK, code, c.path)
		assert.Contains(t, header.Get("Content-Type"), c.contentType, c.path)
		assert.Contains(t, body, c.body, c.path)
	}

	code, _, _ := get(t, srv.URL+"/nosuch")
	assert.Equal(t, http.StatusNotFound, code)
	resp, err := http.Post(srv.URL+"/metrics", "application/json", nil)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, "metrics are not sent to the admin listener")
}

func TestAdminReadyzFollowsHealth(t *testing.T) {
	a, _ := newAdmin(t)
	h, err := a.Handler()
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	defer srv.Close()

	a.Health.Drain()
	code, _, body := get(t, srv.URL+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Equal(t, "not ready\nshutdown: the server is draining\n", body)
	code, _, _ = get(t, srv.URL+"/livez")
	assert.Equal(t, http.StatusOK, code, "a draining server is alive")
}

func TestAdminRefusesAVersionThatIsNoJSON(t *testing.T) {
	a, _ := newAdmin(t)
	a.Version = func() {}
	_, err := a.Handler()
	assert.ErrorContains(t, err, "cannot encode the version")
}

// brokenWriter is a client that went away.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAdminLogsAClientThatWentAway(t *testing.T) {
	a, log := newAdmin(t)
	h, err := a.Handler()
	require.NoError(t, err)
	h.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/livez", nil))
	assert.Contains(t, log.String(), "broken pipe")
}

// The page has to work where there is no network but to the server, so it may fetch only what the server has.
func TestPageIsSelfContained(t *testing.T) {
	a, _ := newAdmin(t)
	h, err := a.Handler()
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))

	assert.Contains(t, rec.Header().Get("Content-Security-Policy"), "default-src 'none'; connect-src 'self'")
	assert.NotRegexp(t, `<(script|link|img|iframe)[^>]*\s(src|href)="(https?:)?//`, string(page))
	for _, m := range regexp.MustCompile(`fetch\("([^"]*)"`).FindAllSubmatch(page, -1) {
		code := httptest.NewRecorder()
		h.ServeHTTP(code, httptest.NewRequest(http.MethodGet, "/"+string(m[1]), nil))
		assert.Equal(t, http.StatusOK, code.Code, "the page fetches %s", m[1])
	}
	for _, m := range regexp.MustCompile(`<a href="([^"]*)"`).FindAllSubmatch(page, -1) {
		code := httptest.NewRecorder()
		h.ServeHTTP(code, httptest.NewRequest(http.MethodGet, "/"+string(m[1]), nil))
		assert.Equal(t, http.StatusOK, code.Code, "the page links to %s", m[1])
	}
}
