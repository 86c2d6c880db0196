package server

import (
	"flag"
	"math"
	"time"

	"metricstream/pkg/journal"
	"metricstream/pkg/ratelimit"
)

// setting is one field of a Config by the name under which people set it.
type setting struct {
	group string // for --help
	name  string // of the flag, and the key in a file
	value flag.Value
	usage string
}

// settings returns every setting of c. Their order is that of --help.
// It is a method and no table because a flag.Value points into its Config.
func (c *Config) settings() []setting {
	const (
		network   = "Network"
		requests  = "Requests"
		clients   = "Clients"
		storage   = "Storage"
		operation = "Operation"
	)
	return []setting{
		{network, "listen", (*text)(&c.Listen), "address of the data port"},
		{network, "admin-listen", (*text)(&c.AdminListen), "address of the admin listener, which asks for no credentials; empty for none"},
		{network, "max-conns", count(&c.MaxConns, 0, math.MaxInt32), "open connections at most; more are answered 503; 0 for no limit"},
		{network, "max-conns-per-ip", count(&c.MaxConnsPerIP, 0, math.MaxInt32), "of these, from one IPv4 address or IPv6 /64; 0 for no limit"},
		{network, "read-timeout", period(&c.ReadTimeout, time.Millisecond), "time for a client to send one request"},
		{network, "write-timeout", period(&c.WriteTimeout, time.Millisecond), "time for a client to take one answer"},
		{network, "idle-timeout", period(&c.IdleTimeout, time.Millisecond), "time that a connection may rest between requests"},

		{requests, "json-engine", choice(&c.Engine, engineNames()...), "what parses the bodies"},
		{requests, "shadow-engine", choice(&c.ShadowEngine, append(engineNames(), "")...), "what parses a share of the bodies as well, off their path, to be compared; empty for none"},
		{requests, "shadow-sample", (*share)(&c.ShadowSample), "that share, above 0 and at most 1"},
		{requests, "max-in-flight", count(&c.MaxInFlight, 0, math.MaxInt32), "requests handled at once, others wait; 0 for no limit"},
		{requests, "max-body-bytes", (*size)(&c.MaxBodyBytes), "size of a body at most, before and after decompression"},
		{requests, "max-header-bytes", (*size)(&c.MaxHeaderBytes), "size of a request's line and headers at most"},

		{clients, "auth", choice(&c.Auth, authClient, authKeys), "what Authorization holds: the client's name, or Bearer and a key"},
		{clients, "auth-keys-file", (*text)(&c.AuthKeysFile), "file of lines `client key`, for auth=keys"},
		{clients, "rate-limit", count(&c.RateLimit, 0, math.MaxInt32), "requests per window and client; 0 for no limit"},
		{clients, "rate-window", period(&c.RateWindow, time.Millisecond), "length of the sliding window"},
		{clients, "rate-max-clients", count(&c.RateMaxClients, 1, ratelimit.MaxCapacity), "clients that have a window of their own; newcomers to a full table share one"},

		{storage, "data-dir", (*text)(&c.DataDir), "directory of " + journal.FileName},
		{storage, "writer", choice(&c.Writer, writerGrouped, writerDirect), "requests are written in groups, or each by itself"},
		{storage, "ack", choice(&c.Ack, journal.Memory.String(), journal.Written.String(), journal.Synced.String()),
			"what an answer promises: lines in memory, given to the kernel, or on the disk"},
		{storage, "linger", period(&c.Linger, time.Microsecond), "time that lines may wait for others, with ack=memory"},
		{storage, "group-bytes", (*size)(&c.GroupBytes), "so many waiting bytes end that wait"},
		{storage, "queue-bytes", (*size)(&c.QueueBytes), "bytes waiting to be written at most; more are answered 503"},

		{operation, "drain-delay", period(&c.DrainDelay, 0), "time between readyz's 503 and the end of accepting, for load balancers to notice"},
		{operation, "shutdown-timeout", period(&c.ShutdownTimeout, time.Millisecond), "time to drain, write, sync and close at the end"},
		{operation, "log-level", choice(&c.LogLevel, "debug", "info", "warn", "error"), "least severe log lines to print"},
	}
}

// register defines every setting of c as a flag of fs.
func (c *Config) register(fs *flag.FlagSet) {
	for _, s := range c.settings() {
		fs.Var(s.value, s.name, s.usage)
	}
}
