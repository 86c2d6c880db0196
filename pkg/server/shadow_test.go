package server

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAShadowEngineIsComparedOnLiveRequests(t *testing.T) {
	cfg := testConfig(t)
	cfg.ShadowEngine, cfg.ShadowSample = "std", 1
	r := start(t, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for range 5 {
		code, _ := send(t, r.url, "c")
		require.Equal(t, 202, code)
	}
	require.Eventually(t, func() bool {
		_, metrics := get(t, r.adminURL+"/metrics")
		return containsAll(metrics,
			"metricstream_shadow_compared_total 5\n",
			"metricstream_shadow_mismatches_total 0\n",
			`metricstream_shadow_decode_duration_seconds_count{engine="custom"} 5`+"\n",
			`metricstream_shadow_decode_duration_seconds_count{engine="std"} 5`+"\n")
	}, 5*time.Second, 20*time.Millisecond)
	kept, err := os.ReadFile(filepath.Join(cfg.DataDir, quarantineName))
	require.NoError(t, err)
	assert.Empty(t, kept)
}

func TestWrongShadowsAreRefused(t *testing.T) {
	cfg := testConfig(t)
	cfg.ShadowEngine = cfg.Engine
	_, err := New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	assert.ErrorIs(t, err, ErrConfig)
	assert.ErrorContains(t, err, "--shadow-engine is --json-engine")

	cfg.ShadowEngine = "nosuch"
	_, err = New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	assert.ErrorContains(t, err, "std, json-v2")

	cfg.ShadowEngine, cfg.ShadowSample = "std", 2
	_, err = New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	assert.ErrorContains(t, err, "--shadow-sample=2: want a share")

	cfg.ShadowSample = 1
	require.NoError(t, os.Mkdir(filepath.Join(cfg.DataDir, quarantineName), 0o755))
	_, err = New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	assert.ErrorContains(t, err, "cannot open the quarantine file")
}

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
