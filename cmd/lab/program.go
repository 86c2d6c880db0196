package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// moduleRoot returns the directory of the project's go.mod, in or above which the lab was started.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := output(exec.CommandContext(ctx, "go", "env", "GOMOD"))
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("cannot find the project: the lab must be run inside its checkout")
	}
	return filepath.Dir(mod), nil
}

// buildProgram builds the command in ./cmd/<name> of the checkout root to path. GOAMD64 and the like come from the
// environment. The revision is not put into it, so that the same source gives the same program; -trimpath would take
// the paths out too, but the whole standard library would be compiled for it.
func buildProgram(ctx context.Context, root, name, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./cmd/"+name)
	cmd.Dir = root
	_, err := output(cmd)
	return err
}

// program is the server, a process of its own.
type program struct {
	cmd    *exec.Cmd
	url    string
	admin  string
	log    programLog
	exited chan struct{}
	err    error // of the process's end; valid once exited is closed
}

// startTimeout is how long the server may take to serve, and stopTimeout to end.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 15 * time.Second
)

// startProgram runs the server with that engine in the directory dir and returns when it serves.
func startProgram(ctx context.Context, binary, engine, dir string) (*program, error) {
	p := &program{exited: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, binary, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--data-dir="+dir,
		"--json-engine="+engine, "--rate-limit=0", "--ack=memory")
	p.cmd.Env = cleanEnvironment()
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	p.log.serving = make(chan served, 1)
	go func() {
		p.log.read(stderr)
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	select {
	case at := <-p.log.serving:
		p.url, p.admin = "http://"+at.Address+"/metrics", "http://"+at.Admin+"/metrics"
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("cannot start the server with %s: it ended (%v); its last words:\n%s", engine, p.err, p.log.tail())
	case <-time.After(startTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return nil, fmt.Errorf("cannot start the server with %s: it did not serve within %v:\n%s", engine, startTimeout, p.log.tail())
	}
}

// cleanEnvironment is ours without settings of the server, and with a trace of every collection.
func cleanEnvironment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "METRICSTREAM_") && !strings.HasPrefix(v, "GODEBUG=") {
			env = append(env, v)
		}
	}
	return append(env, "GODEBUG=gctrace=1")
}

// stop asks the server to end and waits for it.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended, which the wait tells
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	if p.err != nil {
		return fmt.Errorf("the server did not end well: %w; its last words:\n%s", p.err, p.log.tail())
	}
	return nil
}

// served is the line of the log that says where the server listens.
type served struct{ Msg, Address, Admin string }

// programLog is what the server writes on stderr: its log, and the runtime's line for each collection.
type programLog struct {
	serving chan served // receives once

	mu    sync.Mutex
	lines []string      // the last few; guarded by mu
	gc    time.Duration // CPU time of all collections; guarded by mu
}

// read ends with the program.
func (l *programLog) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Bytes()
		if cpu, ok := collectionCPU(line); ok {
			l.mu.Lock()
			l.gc += cpu
			l.mu.Unlock()
			if !bytes.Contains(line, []byte("{")) {
				continue
			}
		}
		l.mu.Lock()
		l.lines = append(l.lines[max(0, len(l.lines)-9):], string(line))
		l.mu.Unlock()
		// The runtime writes its lines in pieces, and one of the log, which is whole, can come between two of them.
		_, entry, _ := bytes.Cut(line, []byte("{"))
		var at served
		if json.Unmarshal(append([]byte("{"), entry...), &at) == nil && at.Msg == "serving" {
			l.serving <- at
		}
	}
}

func (l *programLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// collections returns the CPU time that collections have taken up to now.
func (l *programLog) collections() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gc
}

// collectionCPU reads the CPU time from a line of gctrace (https://pkg.go.dev/runtime, "gctrace"):
//
//	gc 7 @0.1s 3%: 0.02+0.4+0.01 ms clock, 0.04+0.1/0.3/0.2+0.02 ms cpu, …
//
// Its parts are the stopped world before and after, and between them assists, background and idle workers.
// It is the only account of the collector that separates one window from the rest of a process's life:
// the Prometheus client exports pauses alone.
func collectionCPU(line []byte) (time.Duration, bool) {
	_, rest, _ := bytes.Cut(line, []byte(" ms clock, "))
	parts, _, ok := bytes.Cut(rest, []byte(" ms cpu, "))
	if !ok {
		return 0, false
	}
	total := 0.0
	for part := range strings.FieldsFuncSeq(string(parts), func(r rune) bool { return r == '+' || r == '/' }) {
		ms, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, false
		}
		total += ms
	}
	return time.Duration(total * float64(time.Millisecond)), true
}

// counters are what the server says of itself to Prometheus.
type counters struct{ mallocs, bytes, requests float64 }

// scrape reads the server's counters. It costs the server some thousand allocations.
func (p *program) scrape(ctx context.Context) (c counters, err error) {
	fail := func(err error) (counters, error) {
		return counters{}, fmt.Errorf("cannot read the server's metrics: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin, nil)
	if err != nil {
		return fail(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), " ")
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue // a comment
		}
		switch {
		case name == "go_memstats_mallocs_total":
			c.mallocs = value
		case name == "go_memstats_alloc_bytes_total":
			c.bytes = value
		case strings.HasPrefix(name, "metricstream_http_requests_total{"):
			c.requests += value
		}
	}
	if err := lines.Err(); err != nil {
		return fail(err)
	}
	if c.mallocs == 0 {
		return fail(fmt.Errorf("%s has no go_memstats_mallocs_total", p.admin))
	}
	return c, nil
}

func (c counters) minus(o counters) counters {
	return counters{c.mallocs - o.mallocs, c.bytes - o.bytes, c.requests - o.requests}
}
