package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines"
	"metricstream/pkg/server"
)

// The main job: one request, one line, under every engine.
func TestOneRequestIsOneLineUnderEveryEngine(t *testing.T) {
	for _, e := range engines.All() {
		t.Run("engine="+e.Name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "--json-engine="+e.Name)
			a := p.post(t, body)
			assert.Equal(t, 202, a.status)
			assert.Equal(t, `{"accepted":1,"ack":"memory"}`, a.body)
			assert.NotEmpty(t, a.header.Get("X-Correlation-ID"))
			p.stop(t)
			assert.Equal(t, line, p.stored(t))
		})
	}
}

func TestEveryPhaseStoresWhatItAccepts(t *testing.T) {
	for n, want := range []int{200, 200, 202, 202, 202} {
		t.Run(fmt.Sprintf("phase=%d", n), func(t *testing.T) {
			t.Parallel()
			p := start(t, fmt.Sprintf("--phase=%d", n))
			for range 3 {
				assert.Equal(t, want, p.post(t, body).status)
			}
			p.stop(t)
			assert.Equal(t, strings.Repeat(line, 3), p.stored(t))
		})
	}
}

func TestBadRequestsAreAnsweredAndStoreNothing(t *testing.T) {
	p := start(t, "--ack=written", "--max-body-bytes=2KiB")
	url := p.url + "/metrics"
	auth := []string{"Authorization", "client-1"}
	for _, c := range []struct {
		name   string
		got    answer
		status int
		kind   string
	}{
		{"another path", send(t, "POST", p.url+"/metric", body, auth...), 404, "not-found"},
		{"another method", send(t, "GET", url, ""), 405, "method-not-allowed"},
		{"no client", send(t, "POST", url, body), 401, "unauthorized"},
		{"two clients", send(t, "POST", url, body, "Authorization", "a", "Authorization", "b"), 400, "malformed-authorization"},
		{"another type", send(t, "POST", url, body, append(auth, "Content-Type", "text/plain")...), 415, "unsupported-media-type"},
		{"another coding", send(t, "POST", url, body, append(auth, "Content-Encoding", "br")...), 415, "unsupported-content-coding"},
		{"a large body", send(t, "POST", url, strings.Repeat(" ", 4000), auth...), 413, "body-too-large"},
		{"an empty body", send(t, "POST", url, "", auth...), 400, "invalid-json"},
		{"no JSON", send(t, "POST", url, `{"metrics":[}`, auth...), 400, "invalid-json"},
		{"more after it", send(t, "POST", url, body+"{}", auth...), 400, "invalid-json"},
		{"a repeated member", send(t, "POST", url, `{"metrics":[],"metrics":[]}`, auth...), 400, "invalid-json"},
		{"no metrics", send(t, "POST", url, `{"metrics":[]}`, auth...), 422, "invalid-metrics"},
		{"no value", send(t, "POST", url, `{"metrics":[{"name":"a","type":"gauge"}]}`, auth...), 422, "invalid-metrics"},
		{"an infinite value", send(t, "POST", url, `{"metrics":[{"name":"a","value":1e999,"type":"gauge"}]}`, auth...), 422, "invalid-metrics"},
	} {
		assert.Equal(t, c.status, c.got.status, "%s: %s", c.name, c.got.body)
		assert.Contains(t, c.got.body, `"type":"urn:metricstream:problem:`+c.kind+`"`, c.name)
		assert.Equal(t, "application/problem+json", c.got.header.Get("Content-Type"), c.name)
		assert.NotEmpty(t, c.got.header.Get("X-Correlation-ID"), c.name)
	}
	p.stop(t)
	assert.Empty(t, p.stored(t))
}

func TestWrittenLinesSurviveTheKillOfTheProcess(t *testing.T) {
	for _, writer := range []string{"grouped", "direct"} {
		p := start(t, "--ack=written", "--writer="+writer)
		require.Equal(t, 200, p.post(t, body).status)
		p.signal(t, syscall.SIGKILL)
		assert.Equal(t, -1, p.end(t))
		assert.Equal(t, line, p.stored(t), writer)
	}
}

func TestHangupReopensARenamedFile(t *testing.T) {
	p := start(t, "--ack=written")
	require.Equal(t, 200, p.post(t, body).status)
	require.NoError(t, os.Rename(p.dataFile, p.dataFile+".1"))
	p.signal(t, syscall.SIGHUP)
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), "reopened the data file") },
		10*time.Second, 5*time.Millisecond)
	require.Equal(t, 200, p.post(t, body).status)
	p.stop(t)
	assert.Equal(t, line, p.stored(t))
	rotated, err := os.ReadFile(p.dataFile + ".1")
	require.NoError(t, err)
	assert.Equal(t, line, string(rotated))
}

func TestDrainingTurnsReadyzFirst(t *testing.T) {
	p := start(t, "--drain-delay=1s")
	require.Equal(t, 200, send(t, "GET", p.url+"/readyz", "").status)
	p.signal(t, syscall.SIGTERM)
	require.Eventually(t, func() bool {
		resp, err := client.Get(p.admin + "/readyz?verbose")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode == 503 && strings.Contains(string(text), "[-]shutdown failed: the server is draining")
	}, 5*time.Second, 5*time.Millisecond)
	p.signal(t, syscall.SIGHUP) // of no meaning any more, and no second request to end
	assert.Equal(t, 0, p.end(t))
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	p := start(t, "--drain-delay=50s", "--shutdown-timeout=60s")
	p.signal(t, syscall.SIGINT)
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), "shutting down") }, 10*time.Second, 5*time.Millisecond)
	p.signal(t, syscall.SIGINT)
	assert.Equal(t, 1, p.end(t))
	assert.Contains(t, p.log.String(), "metricstream: ended by a second interrupt")
}

func TestAdminListener(t *testing.T) {
	p := start(t)
	p.post(t, body)
	metrics := send(t, "GET", p.admin+"/metrics", "")
	assert.Contains(t, metrics.body, `metricstream_http_requests_total{code="202"} 1`)
	assert.Contains(t, metrics.body, `metricstream_ingest_metrics_total{result="accepted"} 1`)
	assert.Contains(t, send(t, "GET", p.admin+"/", "").body, "<title>MetricStream</title>")
	assert.Contains(t, send(t, "GET", p.admin+"/openapi.yaml", "").body, "openapi: 3.1.0")
	assert.Contains(t, send(t, "GET", p.admin+"/version", "").body, `"engine":"custom"`)
	assert.Equal(t, 200, send(t, "GET", p.admin+"/debug/pprof/", "").status)
	assert.Equal(t, "ok\n[+]shutdown ok\n[+]storage ok\n", strings.TrimRight(send(t, "GET", p.admin+"/readyz?verbose", "").body, "\n")+"\n")
	for _, url := range []string{p.url, p.admin} {
		assert.Equal(t, 200, send(t, "GET", url+"/livez", "").status)
		assert.Equal(t, 200, send(t, "GET", url+"/readyz", "").status)
	}
	where := send(t, "GET", p.url+"/metrics", "")
	assert.Equal(t, 405, where.status)
	assert.Contains(t, where.body, p.admin+"/metrics", "the data port says where to scrape")
	p.stop(t)

	without := start(t, "--admin-listen=")
	assert.Equal(t, 202, without.post(t, body).status, "a server without an admin listener serves")
	without.stop(t)
}

func TestConnectionsOverTheLimitAreAnswered(t *testing.T) {
	p := start(t, "--max-conns=1")
	address := strings.TrimPrefix(p.url, "http://")
	first, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer first.Close()
	_, err = io.WriteString(first, "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(first), nil)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)

	// The body is on its way when the connection is refused, and still the client reads why.
	a := p.post(t, `{"metrics":[`+strings.Repeat(" ", 100_000))
	assert.Equal(t, 503, a.status)
	assert.Contains(t, a.body, "urn:metricstream:problem:too-many-connections")
	assert.NotEmpty(t, a.header.Get("X-Correlation-ID"))
	assert.NotEmpty(t, a.header.Get("Retry-After"))
	assert.Contains(t, send(t, "GET", p.admin+"/metrics", "").body, `metricstream_http_connections_refused_total{limit="total"} 1`)
	require.NoError(t, first.Close())
	p.stop(t)
}

func TestWrongValuesEndTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	notADir := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(notADir, nil, 0o600))
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("lisen: \":8080\"\n"), 0o600))
	free := []string{"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}

	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--json-engine=nosuch"}, 2, "want one of custom, naive, fastjson, sonic, go-json, std, json-v2"},
		{[]string{"--rate-limit=lots"}, 2, "--rate-limit: want a whole number"},
		{[]string{"--writer=direct", "--ack=memory"}, 2, "use --ack=written or --ack=synced"},
		{[]string{"--nosuch"}, 2, "flag provided but not defined: --nosuch; --help lists the flags"},
		{[]string{"--config=" + file}, 2, `line 1: "lisen": unknown key`},
		{[]string{"--config=/nosuch"}, 2, "cannot use the configuration file /nosuch"},
		{append(free, "--auth=keys", "--auth-keys-file=/nosuch"), 2, "cannot read the keys"},
		{[]string{"--listen=" + taken.Addr().String()}, 1, "cannot listen for requests: listen tcp"},
		{append(free, "--admin-listen="+taken.Addr().String()), 1, "cannot listen for administration: listen tcp"},
		{append(free, "--data-dir="+notADir), 1, "cannot open the storage"},
	} {
		status, _, stderr := runToEnd(t, command(t, c.args...))
		assert.Equal(t, c.status, status, "%q: %s", c.args, stderr)
		assert.Contains(t, stderr, c.want)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "%q: one line; got\n%s", c.args, stderr)
		assert.True(t, strings.HasPrefix(stderr, "metricstream: "), stderr)
	}
}

func TestCommandsThatServeNothing(t *testing.T) {
	status, stdout, stderr := runToEnd(t, command(t, "--help"))
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "--json-engine=custom  METRICSTREAM_JSON_ENGINE")
	assert.Empty(t, stderr)

	status, stdout, _ = runToEnd(t, command(t, "--version"))
	assert.Equal(t, 0, status)
	assert.Regexp(t, `^metricstream \S+ go1\.\S+ \w+/\w+\n$`, stdout)
}

func TestSourcesAndPrintedConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("json-engine: std\nrate-limit: 3\nmax-in-flight: 9\nphase: 2\n"), 0o600))
	cmd := command(t, "--rate-limit=1", "--config="+file, "--print-config")
	cmd.Env = append(cmd.Env, "METRICSTREAM_RATE_LIMIT=2", "METRICSTREAM_JSON_ENGINE=sonic", "METRICSTREAM_PHASE=0")
	status, printed, stderr := runToEnd(t, cmd)
	require.Equal(t, 0, status, stderr)
	assert.Regexp(t, `(?m)^rate-limit: 1 +# flag$`, printed)
	assert.Regexp(t, `(?m)^json-engine: sonic +# environment$`, printed)
	assert.Regexp(t, `(?m)^max-in-flight: 9 +# file$`, printed)
	assert.Regexp(t, `(?m)^writer: direct +# phase 0$`, printed)
	assert.Regexp(t, `(?m)^idle-timeout: 1m0s +# default$`, printed)

	again := filepath.Join(t.TempDir(), "printed.yaml")
	require.NoError(t, os.WriteFile(again, []byte(printed), 0o600))
	first, err := server.Parse([]string{"--config=" + again})
	require.NoError(t, err)
	status, twice, stderr := runToEnd(t, command(t, "--config="+again, "--print-config"))
	require.Equal(t, 0, status, stderr)
	require.NoError(t, os.WriteFile(again, []byte(twice), 0o600))
	second, err := server.Parse([]string{"--config=" + again})
	require.NoError(t, err)
	assert.Equal(t, first.Config, second.Config)

	// The same through a running server.
	cmd = command(t, "--rate-limit=1", "--config="+file)
	cmd.Env = append(cmd.Env, "METRICSTREAM_LISTEN=127.0.0.1:0", "METRICSTREAM_ADMIN_LISTEN=127.0.0.1:0", "METRICSTREAM_RATE_LIMIT=2",
		"METRICSTREAM_RATE_WINDOW=1h", "METRICSTREAM_PHASE=0")
	p := startCommand(t, cmd)
	assert.Equal(t, 200, p.post(t, body).status, "phase 0 answers what is written")
	limited := p.post(t, body)
	assert.Equal(t, 429, limited.status, "the flag's limit of 1 counts")
	assert.NotEmpty(t, limited.header.Get("Retry-After"))
	p.stop(t)
}

func TestKeysFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("shop 0123456789abcdef\n"), 0o644))
	p := start(t, "--auth=keys", "--auth-keys-file="+file)
	assert.Equal(t, 202, send(t, "POST", p.url+"/metrics", body, "Authorization", "Bearer 0123456789abcdef").status)
	wrong := p.post(t, body)
	assert.Equal(t, 401, wrong.status)
	assert.Contains(t, wrong.header.Get("WWW-Authenticate"), "Bearer")
	p.stop(t)
	assert.Contains(t, p.log.String(), "chmod 600", "a file that others may read is warned of")
	assert.NotContains(t, p.log.String(), "0123456789abcdef", "keys are not logged")
}
