package telemetry

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed page.html
var page []byte

// pagePolicy lets the live page run its own script and ask its own server, and nothing else.
const pagePolicy = "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; " +
	"script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Admin is what the admin handler shows. It tells an operator everything and asks for no credentials:
// it belongs on loopback or on a network of its own.
type Admin struct {
	Metrics prometheus.Gatherer
	Health  *Health
	Version any    // the answer of /version, as JSON
	OpenAPI []byte // the answer of /openapi.yaml; read only
	Log     *slog.Logger
}

// Handler returns the handler of the admin listener.
func (a Admin) Handler() (http.Handler, error) {
	version, err := json.Marshal(a.Version)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the version: %w", err)
	}
	version = append(version, '\n')
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		a.reply(w, http.StatusOK, "text/html; charset=utf-8", page)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(a.Log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError, // one failing collector does not blind the operator to the rest
	}))
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, "application/json", version)
	})
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, "application/yaml", a.OpenAPI) // RFC 9512
	})
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ready, report := a.Health.Report(r.URL.Query().Has("verbose"))
		code, text := http.StatusOK, "ok\n"
		if !ready {
			code, text = http.StatusServiceUnavailable, "not ready\n"
		}
		if report != "" {
			text += report + "\n"
		}
		a.reply(w, code, "text/plain; charset=utf-8", []byte(text))
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux, nil
}

func (a Admin) reply(w http.ResponseWriter, code int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	if _, err := w.Write(body); err != nil {
		a.Log.Debug("admin client went away", "error", err)
	}
}
