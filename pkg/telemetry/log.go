// Package telemetry is how a running server shows itself to the people who run it: structured logs,
// health, and the admin handler with its metrics, profiles and live page. It imports nothing else of the project.
package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes one JSON object a line to w, from level up.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
