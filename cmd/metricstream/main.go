// Command metricstream takes metrics as JSON over HTTP and keeps them as JSON Lines.
//
// It exits with 0 after an orderly end, 2 when the configuration is wrong, and 1 for all else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"metricstream/pkg/server"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "metricstream: %v\n", err)
	if errors.Is(err, server.ErrConfig) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(args []string, stdout, stderr io.Writer) error {
	opts, err := server.Parse(args)
	switch {
	case err != nil:
		return err
	case opts.Help:
		return server.WriteHelp(stdout)
	case opts.Version:
		_, err := fmt.Fprintln(stdout, server.ReadBuild())
		return err
	case opts.PrintConfig:
		return opts.WriteConfig(stdout)
	}
	log := opts.Logger(stderr)

	signals := make(chan os.Signal, 4) // from here on a signal ends the program in order
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)

	ln, admin, err := listen(&opts.Config)
	if err != nil {
		return err
	}
	srv, err := server.New(opts.Config, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- srv.Serve(ln) }()
	if admin != nil {
		go func() { ended <- srv.ServeAdmin(admin) }()
	}
	log.Info("serving", "address", opts.Listen, "admin", opts.AdminListen, "engine", opts.Engine, "ack", opts.Ack,
		"writer", opts.Writer, "data_file", srv.DataFile(), "phase", opts.Phase, "pid", os.Getpid())

	err = wait(srv, signals, ended, log)
	return errors.Join(err, shutdown(srv, signals, opts, log))
}

// listen opens the listeners, and writes the addresses that they got into cfg: a port of 0 is any free one.
func listen(cfg *server.Config) (ln, admin net.Listener, err error) {
	if ln, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, nil, fmt.Errorf("cannot listen for requests: %w", err)
	}
	cfg.Listen = ln.Addr().String()
	if cfg.AdminListen == "" {
		return ln, nil, nil
	}
	if admin, err = net.Listen("tcp", cfg.AdminListen); err != nil {
		return nil, nil, fmt.Errorf("cannot listen for administration: %w", err)
	}
	cfg.AdminListen = admin.Addr().String()
	return ln, admin, nil
}

// wait returns when a signal asks for the end, or with the error of a listener that ended by itself.
func wait(srv *server.Server, signals <-chan os.Signal, ended <-chan error, log *slog.Logger) error {
	reopened := make(chan error, 1)
	reopening := false // beside the loop: a disk that hangs must not keep a signal from ending the program
	for {
		select {
		case err := <-ended:
			return err
		case err := <-reopened:
			reopening = false
			if err != nil {
				log.Error("cannot reopen the data file; the old one stays in use", "error", err)
				continue
			}
			log.Info("reopened the data file", "data_file", srv.DataFile())
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				log.Info("shutting down", "signal", sig.String())
				return nil
			}
			if !reopening {
				reopening = true
				go func() { reopened <- srv.Reopen() }()
			}
		}
	}
}

// shutdown ends srv within its time, or at once when a second signal asks for the end.
func shutdown(srv *server.Server, signals <-chan os.Signal, opts *server.Options, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), opts.ShutdownTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(ctx) }()
	for {
		select {
		case err := <-done:
			if err == nil {
				log.Info("stopped: all that was accepted is stored")
			}
			return err
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return fmt.Errorf("ended by a second %v; what was not written yet is lost", sig)
			}
		}
	}
}
