package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"metricstream/docs"
	"metricstream/engines"
	"metricstream/pkg/ingest"
	"metricstream/pkg/journal"
	"metricstream/pkg/ratelimit"
	"metricstream/pkg/shadow"
	"metricstream/pkg/telemetry"
)

const (
	// reservedFiles are the descriptors that connections leave free: for the journal, the admin listener, the runtime,
	// and connections that are being refused.
	reservedFiles = 64 + maxRefusing
	adminTimeout  = 5 * time.Second

	// quarantineName is the file, in the data directory, of bodies on which the engines differed.
	quarantineName = "shadow-quarantine.jsonl"
)

// Server is MetricStream, made of its parts. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	log     *slog.Logger
	journal *journal.Journal
	handler *ingest.Handler
	http    *ingest.HTTPServer
	limit   *connLimit
	shadow  *shadow.Shadow // nil is off
	health  *telemetry.Health
	admin   *http.Server

	mu        sync.Mutex
	closing   bool           // guarded by mu; set once, by Shutdown
	listeners []net.Listener // being served; guarded by mu
}

// New makes a server of cfg and opens its storage. Its metrics go to reg, which is for this server alone.
// An error that matches ErrConfig is one that another configuration would avoid.
func New(cfg Config, log *slog.Logger, reg *prometheus.Registry) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	engine, err := engines.Lookup(cfg.Engine)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := runnable("json-engine", engine); err != nil {
		return nil, err
	}
	ack, err := journal.ParseAck(cfg.Ack)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	s := &Server{cfg: cfg, log: log, health: &telemetry.Health{}}
	build := ReadBuild()
	if err := registerInfo(reg, build, &cfg); err != nil {
		return nil, fmt.Errorf("cannot register the metrics of the process: %w", err)
	}

	input := ingest.Config{
		Engine:         engine.Name,
		NewDecoder:     engine.New,
		Ack:            cfg.Ack,
		MaxBodyBytes:   cfg.MaxBodyBytes,
		MaxInFlight:    cfg.MaxInFlight,
		RateLimit:      cfg.RateLimit,
		RateWindow:     cfg.RateWindow,
		AdminAddr:      cfg.AdminListen,
		Health:         s.health.Report,
		ReadTimeout:    cfg.ReadTimeout,
		WriteTimeout:   cfg.WriteTimeout,
		IdleTimeout:    cfg.IdleTimeout,
		MaxHeaderBytes: cfg.MaxHeaderBytes,
	}
	if cfg.Auth == authKeys {
		if input.Keys, err = loadKeys(cfg.AuthKeysFile, log); err != nil {
			return nil, fmt.Errorf("%w: --auth-keys-file: %w", ErrConfig, err)
		}
	}
	var limiter ingest.Limiter // stays nil without a limit: a nil *ratelimit.Limiter in it would not be nil
	if cfg.RateLimit > 0 {
		limiter, err = ratelimit.New(ratelimit.Config{Limit: cfg.RateLimit, Window: cfg.RateWindow, Capacity: cfg.RateMaxClients}, reg)
		if err != nil {
			return nil, fmt.Errorf("%w: cannot limit rates: %w", ErrConfig, err)
		}
	}

	s.journal, err = journal.Open(journal.Config{
		Dir:           cfg.DataDir,
		Direct:        cfg.Writer == writerDirect,
		Ack:           ack,
		Linger:        cfg.Linger,
		GroupBytes:    cfg.GroupBytes,
		CapacityBytes: cfg.QueueBytes,
	}, log, reg)
	if err != nil {
		return nil, fmt.Errorf("cannot open the storage: %w", err)
	}
	if err := s.compareWith(engine, &input, reg); err != nil {
		return nil, errors.Join(err, s.journal.Close(context.Background()))
	}
	if err := s.serveFrom(input, limiter, build, reg); err != nil {
		return nil, errors.Join(err, s.closeShadow(), s.journal.Close(context.Background()))
	}
	return s, nil
}

// compareWith starts the shadow engine, if there is to be one.
func (s *Server) compareWith(live engines.Engine, input *ingest.Config, reg prometheus.Registerer) error {
	if s.cfg.ShadowEngine == "" {
		return nil
	}
	other, err := engines.Lookup(s.cfg.ShadowEngine)
	if err == nil {
		err = runnable("shadow-engine", other)
	}
	if err != nil {
		return err
	}
	s.shadow, err = shadow.New(shadow.Config{
		Live:       shadow.Engine{Name: live.Name, New: live.New},
		Shadow:     shadow.Engine{Name: other.Name, New: other.New},
		Sample:     s.cfg.ShadowSample,
		Quarantine: filepath.Join(s.cfg.DataDir, quarantineName),
	}, s.log, reg)
	if err != nil {
		return fmt.Errorf("cannot start the shadow engine: %w", err)
	}
	input.Shadow = s.shadow
	return nil
}

func (s *Server) closeShadow() error {
	if s.shadow == nil {
		return nil
	}
	return s.shadow.Close()
}

// runnable refuses an engine that would decode with another's code, or not at all: its name would be a lie.
func runnable(flag string, e engines.Engine) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("%w: --%s=%s does not run in this build, choose another: %w", ErrConfig, flag, e.Name, err)
	}
	return nil
}

// serveFrom makes the parts in front of the storage.
func (s *Server) serveFrom(input ingest.Config, limiter ingest.Limiter, build Build, reg *prometheus.Registry) error {
	s.health.Add("storage", s.journal.Healthy)
	var err error
	if s.handler, err = ingest.New(input, s.journal, limiter, s.log, reg); err != nil {
		return fmt.Errorf("cannot make the handler: %w", err)
	}
	s.limit, err = newConnLimit(s.affordable(s.cfg.MaxConns), s.cfg.MaxConnsPerIP, s.handler.AppendRefusal, s.log, reg)
	if err != nil {
		return fmt.Errorf("cannot register the metrics of connections: %w", err)
	}
	s.http = s.handler.HTTPServer()

	admin, err := telemetry.Admin{
		Metrics: reg,
		Health:  s.health,
		Version: struct {
			Build
			Engine string `json:"engine"`
		}{build, s.cfg.Engine},
		OpenAPI: docs.OpenAPI,
		Log:     s.log,
	}.Handler()
	if err != nil {
		return err
	}
	s.admin = &http.Server{
		Handler:           admin,
		ReadHeaderTimeout: adminTimeout,
		IdleTimeout:       time.Minute, // no write timeout: a CPU profile takes as long as it was asked to
		MaxHeaderBytes:    s.cfg.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	return nil
}

func registerInfo(reg prometheus.Registerer, b Build, cfg *Config) error {
	info := func(name, help string, labels prometheus.Labels) error {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
		g.Set(1)
		return reg.Register(g)
	}
	return errors.Join(
		reg.Register(collectors.NewGoCollector()),
		reg.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		info("metricstream_build_info", "Which program this is, and which engine parses for it.",
			prometheus.Labels{"version": b.Version, "goversion": b.GoVersion, "engine": cfg.Engine}),
		info("metricstream_storage_info", "How this server writes, and what its answers promise.",
			prometheus.Labels{"writer": cfg.Writer, "ack": cfg.Ack}),
	)
}

// affordable returns how many connections the process has descriptors for, if that is less than limit.
// Beyond them accept(2) would fail, where a limit gives an answer.
// Package os has raised the soft limit of descriptors to the hard one already.
func (s *Server) affordable(limit int) int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || limit == 0 {
		return limit
	}
	return s.fit(limit, files.Cur)
}

func (s *Server) fit(limit int, files uint64) int {
	if uint64(limit)+reservedFiles <= files {
		return limit
	}
	fits := max(1, int(files)-reservedFiles)
	s.log.Warn("fewer connections than --max-conns: the process may not open more files; raise its limit (ulimit -n, LimitNOFILE)",
		"max_conns", limit, "open_files_limit", files, "connections", fits)
	return fits
}

// DataFile returns the path of the file that the server keeps metrics in.
func (s *Server) DataFile() string { return filepath.Join(s.cfg.DataDir, journal.FileName) }

// Serve takes requests from ln until Shutdown, and then returns nil at once: Shutdown returns when all is done.
func (s *Server) Serve(ln net.Listener) error {
	ln = s.limit.wrap(ln)
	if !s.track(ln) {
		return nil
	}
	if err := s.http.Serve(ln); err != nil {
		return fmt.Errorf("cannot serve %v: %w", ln.Addr(), err)
	}
	return nil
}

// ServeAdmin answers on ln for those who run the server, until the end of Shutdown.
func (s *Server) ServeAdmin(ln net.Listener) error {
	if err := s.admin.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve %v: %w", ln.Addr(), err)
	}
	return nil
}

// track notes that ln is being served, or closes it and returns false when the server is shutting down.
// fasthttp alone would serve on, were it to hear of ln after its Shutdown.
func (s *Server) track(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = ln.Close()
		return false
	}
	s.listeners = append(s.listeners, ln)
	return true
}

// Reopen begins a new data file where the old one was renamed.
func (s *Server) Reopen() error { return s.journal.Reopen() }

// Shutdown says that the server is not ready, stops accepting, lets requests in flight finish, and writes, syncs
// and closes the storage. Draining gets three quarters of the time that ctx leaves: a slow client must not cost
// the metrics of others. Connections still open then are cut; their requests were not acknowledged.
// Only storage makes an error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.health.Drain()
	if s.cfg.DrainDelay > 0 {
		select {
		case <-time.After(s.cfg.DrainDelay):
		case <-ctx.Done():
		}
	}
	s.stopAccepting()
	s.handler.Drain()

	drain, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		drain, cancel = context.WithTimeout(ctx, time.Until(deadline)*3/4)
	}
	defer cancel()
	if err := s.http.Shutdown(drain); err != nil { // the listener is closed: only drain's end is left
		s.log.Warn("cutting connections that did not end in time", "connections", s.limit.open(), "error", err)
		s.limit.closeAll()
	}

	err := s.journal.Close(ctx)
	if err := s.closeShadow(); err != nil { // after what was promised: comparisons can be lost
		s.log.Warn("cannot close the quarantine file", "error", err)
	}
	if err != nil {
		err = fmt.Errorf("cannot close the storage: %w", err)
	}
	// The admin listener goes last: until here it told how the shutdown went.
	// A profile being taken does not hold up the end.
	last, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if s.admin.Shutdown(last) != nil {
		_ = s.admin.Close()
	}
	return err
}

func (s *Server) stopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
}
