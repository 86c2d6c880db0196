// Package journal keeps JSON lines in a file on the local disk.
//
// Two writers share one store (the file and all that can befall it). The grouped one copies the lines of each
// request into a bounded queue, from which a goroutine writes and syncs whole groups; the direct one writes for
// each request by itself, under a lock: simple, slow, and what the tests compare the grouped one with.
// The format, what each acknowledgement survives, and what is assumed of the disk: docs/file-format.md.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"metricstream/pkg/metric"
)

// FileName is the name of the journal's file in its directory.
const FileName = "metrics.jsonl"

// Ack says when Append returns.
type Ack uint8

// The acknowledgements, from the fastest to the safest.
const (
	Memory  Ack = iota // the lines are in the writer's bounded queue
	Written            // write(2) of their group returned: they survive the death of the process
	Synced             // fdatasync(2) of their group returned: they survive the loss of power
)

var ackNames = [...]string{Memory: "memory", Written: "written", Synced: "synced"}

// String returns the name of a as it stands in a configuration.
func (a Ack) String() string {
	if int(a) < len(ackNames) {
		return ackNames[a]
	}
	return fmt.Sprintf("Ack(%d)", uint8(a))
}

// ParseAck returns the acknowledgement of that name.
func ParseAck(s string) (Ack, error) {
	for a, name := range ackNames {
		if s == name {
			return Ack(a), nil
		}
	}
	return 0, fmt.Errorf("%s is none of memory, written, synced", metric.Excerpt(s))
}

// Defaults of a Config's zero fields.
const (
	DefaultLinger        = 5 * time.Millisecond
	DefaultGroupBytes    = 256 << 10
	DefaultCapacityBytes = 64 << 20
)

// Config is by what one journal differs from another. Zero durations and sizes take their defaults.
type Config struct {
	Dir    string // created if missing; one process at a time
	Direct bool   // write on the caller's goroutine, one write(2) per Append, instead of in groups
	Ack    Ack    // Direct gives Written at least, and refuses Memory

	// Of the grouped writer alone.
	Linger        time.Duration // Memory: how long lines may wait for others before they are written
	GroupBytes    int           // Memory: so many queued bytes end the waiting
	CapacityBytes int           // how many bytes may be queued, those being written included
}

func (c *Config) complete() error {
	if c.Dir == "" {
		return errors.New("no data directory is named")
	}
	if int(c.Ack) >= len(ackNames) {
		return fmt.Errorf("%s is none of memory, written, synced", c.Ack)
	}
	if c.Direct && c.Ack == Memory {
		return errors.New("the direct writer has written before it answers: acknowledge written or synced with it, not memory")
	}
	if c.Linger < 0 || c.GroupBytes < 0 || c.CapacityBytes < 0 {
		return errors.New("linger, group size and capacity are not negative")
	}
	if c.Linger == 0 {
		c.Linger = DefaultLinger
	}
	if c.GroupBytes == 0 {
		c.GroupBytes = DefaultGroupBytes
	}
	if c.CapacityBytes == 0 {
		c.CapacityBytes = DefaultCapacityBytes
	}
	return nil
}

// Journal is an open journal. All its methods are safe for concurrent use.
type Journal struct {
	writer writer
	health *health
}

// writer is what the grouped and the direct writer have in common.
type writer interface {
	append(lines []byte, metrics int, conn uint64) error // lines are borrowed, and not empty
	reopen() error
	close(ctx context.Context) error
}

// Open opens the journal in cfg.Dir, or begins one there. A torn last line is moved aside.
// Metrics go to reg unless it is nil.
func Open(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Journal, error) {
	return open(cfg, osFS{}, log, reg)
}

func open(cfg Config, fs filesystem, log *slog.Logger, reg prometheus.Registerer) (*Journal, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	m := newMetrics()
	st, err := openStore(cfg, fs, log, m)
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	j := &Journal{health: &health{}}
	q := newQueue(cfg, j.health)
	if err := m.register(reg, q); err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", errors.Join(err, st.close()))
	}
	if cfg.Direct {
		j.writer = &direct{store: st, health: j.health}
	} else {
		j.writer = startGrouped(q, st, cfg)
	}
	return j, nil
}

// Append stores rec.Lines, which are whole lines, and returns once they are as durable as Config.Ack says.
// They stand together in the file, and Appends of one rec.Conn that follow each other stand in that order.
// It copies what it keeps. An error matches metric.ErrFull (at once, nothing of rec is kept),
// metric.ErrClosed or metric.ErrFailed.
func (j *Journal) Append(rec metric.Record) error {
	if len(rec.Lines) == 0 {
		return j.health.refusal()
	}
	return j.writer.append(rec.Lines, rec.Metrics, rec.Conn)
}

// Reopen closes the file and opens its path again, for a program that rotates logs by renaming them.
// What is appended after it returns is not in the old file. When the path cannot be opened, the old file stays in use.
func (j *Journal) Reopen() error { return j.writer.reopen() }

// Healthy returns nil, or why Appends are refused: the cause of the storage's failure, or that the journal is closed.
// A journal that failed heals by itself, without an Append, once the storage takes data again.
func (j *Journal) Healthy() error { return j.health.refusal() }

// Close refuses further Appends, writes and syncs what is queued, and closes the file.
// If ctx ends first, it returns while that goes on. Closing again gives the same error.
func (j *Journal) Close(ctx context.Context) error { return j.writer.close(ctx) }
