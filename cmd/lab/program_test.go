package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/benchmarks"
)

func TestCollectionsAreReadFromTheTrace(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"gc 7 @0.100s 3%: 0.02+0.4+0.01 ms clock, 0.04+0.1/0.3/0.2+0.02 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P": 660 * time.Microsecond,
		"gc 12 @5s 0%: 1+2+3 ms clock, 2+0/4/0+6 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)":               12 * time.Millisecond,
		" 1 @0.007s 3%: 0.3+0.7+0.05 ms clock, 1+0/0/1+0 ms cpu, 3->3->1 MB":                                                           2 * time.Millisecond, // a log entry took its head away
		"gc 12 @5s": -1, "gc 1 @0s: 1+1+1 ms clock, 0+x/1+2 ms cpu, 3->3->1 MB": -1, `{"msg":"serving"}`: -1, "": -1,
	} {
		got, ok := collectionCPU([]byte(line))
		assert.Equal(t, want >= 0, ok, line)
		if ok {
			assert.Equal(t, want, got, line)
		}
	}
}

func TestProcessCPU(t *testing.T) {
	before, err := processCPU(os.Getpid())
	require.NoError(t, err)
	for start := time.Now(); time.Since(start) < 30*time.Millisecond; {
	}
	after, err := processCPU(os.Getpid())
	require.NoError(t, err)
	assert.Greater(t, after-before, time.Millisecond)
	_, err = processCPU(1 << 22)
	assert.ErrorContains(t, err, "cannot read the CPU time of process")
}

// script is an executable in place of the server.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700))
	return path
}

func TestAServerThatDoesNotWorkSaysWhy(t *testing.T) {
	_, err := startProgram(t.Context(), "/no/such/program", "custom", t.TempDir())
	assert.ErrorContains(t, err, "cannot start the server")
	_, err = startProgram(t.Context(), script(t, "echo no room >&2; exit 3"), "custom", t.TempDir())
	assert.ErrorContains(t, err, "with custom: it ended (exit status 3); its last words:\nno room")

	p, err := startProgram(t.Context(), script(t, `echo '{"msg":"serving","address":"127.0.0.1:1","admin":"127.0.0.1:1"}' >&2; read line; exit 4`), "std", t.TempDir())
	require.NoError(t, err)
	_, err = p.scrape(t.Context())
	assert.ErrorContains(t, err, "cannot read the server's metrics")
	assert.ErrorContains(t, p.stop(), "the server did not end well")

	s := service{binary: script(t, `echo '{"msg":"serving","address":"127.0.0.1:1","admin":"127.0.0.1:1"}' >&2; read line`)}
	_, err = s.measure(t.Context(), "std", benchmarks.Payloads()[0], 0, 0)
	assert.ErrorContains(t, err, "engine std, payload one, closed loop: cannot read the server's metrics")
	_, err = service{binary: "/no/such"}.measure(t.Context(), "std", benchmarks.Payloads()[0], 0, 0)
	assert.ErrorContains(t, err, "cannot start the server")
}

// A log entry between the pieces of the runtime's line is found.
func TestTheLogIsReadThroughTheTrace(t *testing.T) {
	const entry = `{"msg":"serving","address":"127.0.0.1:1","admin":"127.0.0.1:2"}\n`
	for _, said := range []string{
		`gc ` + entry + ` 1 @0s 3%%: 0+0+0 ms clock, 1+1/1/1+1 ms cpu, 3 MB\n`,
		`gc 1 @0s 3%%: 0+0+0 ms clock, 1+1/1/1+1 ms cpu, 3->` + entry + `3 MB\n`,
	} {
		p, err := startProgram(t.Context(), script(t, `printf '`+said+`' >&2; exec sleep 30`), "custom", t.TempDir())
		require.NoError(t, err, said)
		assert.Equal(t, "http://127.0.0.1:1/metrics", p.url)
		assert.Eventually(t, func() bool { return p.log.collections() == 5*time.Millisecond }, 10*time.Second, time.Millisecond)
		assert.ErrorContains(t, p.stop(), "the server did not end well")
	}
}

func TestScrape(t *testing.T) {
	text := "# HELP go_memstats_mallocs_total x\ngo_memstats_mallocs_total 1.5e+06\ngo_memstats_alloc_bytes_total 10\nmetricstream_http_requests_total{code=\"202\"} 5\nmetricstream_http_requests_total{code=\"400\"} 2\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	defer server.Close()
	p := &program{admin: server.URL}
	c, err := p.scrape(t.Context())
	require.NoError(t, err)
	assert.Equal(t, counters{1.5e6, 10, 7}, c)
	text = "nothing\n"
	_, err = p.scrape(t.Context())
	assert.ErrorContains(t, err, "has no go_memstats_mallocs_total")
}

// The service level refuses to give figures of requests that were not served.
func TestRefusedLoadIsNoMeasurement(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "metricstream")
	require.NoError(t, buildProgram(t.Context(), root(t), "metricstream", binary))
	s := service{binary: binary, timing: timing{10 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}}
	for _, p := range benchmarks.Payloads() {
		if p.Name == "rejected" {
			_, err := s.measure(t.Context(), "custom", p, 0, 0)
			assert.ErrorContains(t, err, "closed loop: 100.0% of")
		}
	}
	_, err := s.measure(t.Context(), "custom", benchmarks.Payloads()[0], 1e-9, 0)
	assert.ErrorContains(t, err, "open loop: cannot pace")
	assert.ErrorContains(t, buildProgram(t.Context(), root(t), "nosuch", binary), "cannot run go build")
}

func TestTheCheckoutMustBeThere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"report", "x"}, {"compare", "--quick"}, {"gate", "--base=x"}} {
		_, err := command(t, args...)
		assert.ErrorContains(t, err, "the lab must be run inside its checkout")
	}
}
