// Package server composes MetricStream from its parts, as a library: a Config becomes a Server.
// It also knows the settings by name, for the command line, the environment and configuration files.
package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"metricstream/engines"
	"metricstream/pkg/journal"
	"metricstream/pkg/ratelimit"
	"metricstream/pkg/telemetry"
)

// ErrConfig is matched by errors that a change of the configuration would avoid.
var ErrConfig = errors.New("wrong configuration")

// Config is all by which one server differs from another.
type Config struct {
	Listen        string // address of the data port; used by the program, not by New
	AdminListen   string // address of the admin listener; empty for none; used by the program, and in hints
	MaxConns      int    // open connections; 0 is no limit
	MaxConnsPerIP int    // of one IPv4 address or IPv6 /64; 0 is no limit

	Engine         string // name of the JSON engine
	ShadowEngine   string // name of one that decodes a share of requests as well, to be compared; empty for none
	ShadowSample   float64
	MaxInFlight    int // requests handled at once, others wait; 0 is no limit
	MaxBodyBytes   int // also after decompression
	MaxHeaderBytes int
	ReadTimeout    time.Duration // of one request, from its first byte to its last
	WriteTimeout   time.Duration // of one answer
	IdleTimeout    time.Duration // of a connection between requests

	Auth           string // authClient or authKeys
	AuthKeysFile   string // lines of "client key", for authKeys
	RateLimit      int    // requests per window and client; 0 is no limit
	RateWindow     time.Duration
	RateMaxClients int // that the limiter tracks

	DataDir    string
	Writer     string // writerGrouped or writerDirect
	Ack        string // a name that journal.ParseAck knows
	Linger     time.Duration
	GroupBytes int
	QueueBytes int

	DrainDelay      time.Duration // between readyz's first 503 and the end of accepting
	ShutdownTimeout time.Duration // of the whole shutdown; used by the program
	LogLevel        string        // of the Logger
}

// Values of Config.Auth and Config.Writer.
const (
	authClient    = "client"
	authKeys      = "keys"
	writerGrouped = "grouped"
	writerDirect  = "direct"
)

// queueFactor is how many times the largest body the queue must hold: the lines of a body are longer than the body,
// by less than four times (the shortest metric gains a timestamp, and 1e20 its zeros).
const queueFactor = 4

// DefaultConfig returns the Config of a server that was told nothing.
func DefaultConfig() Config {
	return Config{
		Listen:          ":8080",
		AdminListen:     "127.0.0.1:8081",
		MaxConns:        10_000,
		Engine:          "custom",
		ShadowSample:    0.01,
		MaxBodyBytes:    1 << 20,
		MaxHeaderBytes:  8 << 10,
		ReadTimeout:     10 * time.Second,
		WriteTimeout:    10 * time.Second,
		IdleTimeout:     time.Minute,
		Auth:            authClient,
		RateLimit:       10_000,
		RateWindow:      time.Second,
		RateMaxClients:  ratelimit.DefaultCapacity,
		DataDir:         "data",
		Writer:          writerGrouped,
		Ack:             journal.Memory.String(),
		Linger:          journal.DefaultLinger,
		GroupBytes:      journal.DefaultGroupBytes,
		QueueBytes:      journal.DefaultCapacityBytes,
		ShutdownTimeout: 10 * time.Second,
		LogLevel:        "info",
	}
}

// Validate returns nil, or an error that matches ErrConfig and says what would be right.
func (c *Config) Validate() error {
	for _, s := range c.settings() {
		if err := s.value.Set(s.value.String()); err != nil {
			return fmt.Errorf("%w: --%s=%s: %w", ErrConfig, s.name, s.value, err)
		}
	}
	contradiction := ""
	switch {
	case c.Writer == writerDirect && c.Ack == journal.Memory.String():
		contradiction = "--writer=direct keeps nothing in memory; use --ack=written or --ack=synced with it"
	case c.Auth == authKeys && c.AuthKeysFile == "":
		contradiction = "--auth=keys needs --auth-keys-file, a file of lines `client key`"
	case c.Auth != authKeys && c.AuthKeysFile != "":
		contradiction = "--auth-keys-file is of no use without --auth=keys"
	case c.Writer == writerGrouped && c.QueueBytes/queueFactor < c.MaxBodyBytes:
		contradiction = fmt.Sprintf("--queue-bytes=%v cannot hold the lines of the largest body; use %v or more, or a smaller --max-body-bytes",
			(*size)(&c.QueueBytes), sizeText(queueFactor*c.MaxBodyBytes))
	case c.DrainDelay >= c.ShutdownTimeout:
		contradiction = "--drain-delay leaves nothing of --shutdown-timeout; use less, or a longer timeout"
	case c.DataDir == "":
		contradiction = "--data-dir is empty; name a directory, such as data"
	case !isAddress(c.Listen):
		contradiction = "--listen=" + c.Listen + " is no address; use host:port or :port, such as :8080"
	case c.AdminListen != "" && !isAddress(c.AdminListen):
		contradiction = "--admin-listen=" + c.AdminListen + " is no address; use host:port, such as 127.0.0.1:8081, or nothing"
	case c.ShadowEngine == c.Engine:
		contradiction = "--shadow-engine is --json-engine; name another to compare it with"
	case c.GroupBytes > c.QueueBytes:
		contradiction = "--group-bytes is more than --queue-bytes; use less"
	}
	if contradiction != "" {
		return fmt.Errorf("%w: %s", ErrConfig, contradiction)
	}
	return nil
}

// Logger returns the logger that c, which is valid, asks for: JSON lines to w.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // knows every name that the setting does
	return telemetry.NewLogger(w, level)
}

func isAddress(s string) bool {
	_, _, err := net.SplitHostPort(s)
	return err == nil
}

func engineNames() (names []string) {
	for _, e := range engines.All() {
		names = append(names, e.Name)
	}
	return names
}
