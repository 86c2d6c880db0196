package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"metricstream/benchmarks"
)

const aboutCompare = `compare [flags]

Compares the JSON engines at three levels: the decoder alone, the production handler, and the built program over
TCP. First every engine must decode every payload as the oracle does. Then rounds, in which the engines alternate.
Writes results/<date>-<slug>/ with the raw output, benchstat's tables, the environment, a README and report.html,
renews results/README.md, and prints the verdict. Takes at most 10 minutes on two cores, --quick less than 90 seconds.`

func compareCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c choice
	var out string
	fs := flags("compare", aboutCompare, stdout)
	fs.StringVar(&c.engines, "engines", "", "engines to compare, separated by commas (default all)")
	fs.StringVar(&c.base, "base", "", "engine that the others are compared with (default the first)")
	fs.StringVar(&c.own, "payload", "", "measure with the bodies of this `file` (one body, or one a line) instead of the lab's payloads")
	fs.StringVar(&c.payloads, "payloads", "", "the lab's payloads to measure with, separated by commas (default all)")
	fs.StringVar(&c.levels, "levels", "", "levels to measure: decode, handler, service (default all)")
	fs.IntVar(&c.rounds, "rounds", 0, "rounds at every level (default 16, and 12 at the service level)")
	fs.BoolVar(&c.quick, "quick", false, "a look in less than 90 seconds, without a verdict, into bin/lab-quick")
	fs.BoolVar(&c.full, "full", false, "every payload at the service level too, and p99.9; takes about an hour")
	fs.StringVar(&out, "out", "", "`folder` for the results (default results/<date>-engines or the like)")
	if err := parse(fs, args); err != nil {
		return err
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	l := &lab{plan: p, root: root, stdout: stdout, stderr: stderr, info: newInfo(ctx, root, p, c.command())}
	l.dir, err = l.place(out)
	if err != nil {
		return err
	}
	return l.run(ctx)
}

// command is what someone types to measure the same again.
func (c choice) command() string {
	words := []string{"make bench-compare"}
	for _, v := range [][2]string{{"ENGINES", c.engines}, {"BASE_ENGINE", c.base}, {"PAYLOAD", c.own}, {"PAYLOADS", c.payloads}, {"LEVELS", c.levels}} {
		if v[1] != "" {
			words = append(words, v[0]+"="+v[1])
		}
	}
	if c.rounds != 0 {
		words = append(words, fmt.Sprintf("ROUNDS=%d", c.rounds))
	}
	if c.quick {
		words = append(words, "QUICK=1")
	}
	if c.full {
		words = append(words, "FULL=1")
	}
	return strings.Join(words, " ")
}

// lab is one run of compare.
type lab struct {
	plan
	root           string // of the checkout
	dir            string // of the results
	info           Info
	stdout, stderr io.Writer
	raw            *os.File
	progress       *progress
	bottlenecks    []string // of service slices, why the generator was the limit
}

// place makes the folder of the results: out if it is given, otherwise one that is not there yet.
func (l *lab) place(out string) (dir string, err error) {
	switch {
	case out != "":
		dir = out
	case l.mode == "quick":
		dir = filepath.Join(l.root, "bin", "lab-quick")
	default:
		slug := "engines"
		if len(l.payloads) == 1 && l.payloads[0].Name == "own" {
			slug = "own-payload"
		}
		dir = filepath.Join(l.root, "results", l.info.Date.Format(time.DateOnly)+"-"+slug)
		for n, first := 2, dir; ; n++ {
			if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
				break
			}
			dir = fmt.Sprintf("%s-%d", first, n)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the folder of the results: %w", err)
	}
	return dir, nil
}

func (l *lab) run(ctx context.Context) (err error) {
	start := time.Now()
	for _, note := range l.info.Notes {
		fmt.Fprintln(l.stderr, note)
	}
	if err := l.verify(); err != nil {
		return err
	}
	fmt.Fprintf(l.stderr, "all %d engines decode all %d payloads as %s does\n", len(l.engines), len(l.payloads), benchmarks.Oracle)
	if l.raw, err = os.Create(filepath.Join(l.dir, "raw.txt")); err != nil {
		return fmt.Errorf("cannot write the raw output: %w", err)
	}
	defer l.raw.Close()
	fmt.Fprintf(l.raw, "goos: %s\ngoarch: %s\npkg: metricstream/benchmarks\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, l.info.Machine.CPU)
	for _, unit := range []string{"requests/s", "metrics/s"} {
		fmt.Fprintf(l.raw, "Unit %s better=higher\n", unit)
	}
	s, payloads, err := l.prepareService(ctx)
	if err != nil {
		return err
	}
	if s != nil {
		defer os.Remove(s.binary)
	}
	if err := l.measureOperations(ctx); err != nil {
		return err
	}
	if err := l.measureService(ctx, s, payloads); err != nil {
		return err
	}
	if n := len(l.bottlenecks); n > 0 {
		l.info.Notes = append(l.info.Notes, fmt.Sprintf("in %d slices of the service level the generator was a limit; in the last, %s", n, l.bottlenecks[n-1]))
	}
	l.info.Took = time.Since(start).Round(time.Second).String()
	if err := l.info.write(l.dir); err != nil {
		return err
	}
	return reportFolder(ctx, l.root, l.dir, l.stdout)
}

// verify holds every engine to the oracle, and counts what the bare libraries do.
func (l *lab) verify() error {
	for _, payload := range l.payloads {
		for _, e := range l.engines {
			if err := benchmarks.Verify(e, payload); err != nil {
				return fmt.Errorf("not measured, for what decodes wrongly may be as fast as it likes: %w", err)
			}
			if lax := benchmarks.Bare(e, payload); lax != (benchmarks.Laxity{}) {
				l.info.Bare = append(l.info.Bare, BareInfo{e.Name, payload.Name, lax.Altered, lax.Taken, lax.Refused})
			}
		}
	}
	return nil
}

// write adds a line to the raw output.
func (l *lab) write(name string, iterations int, values []benchmarks.Value) error {
	if _, err := l.raw.WriteString(benchmarks.Line(name, iterations, values)); err != nil {
		return fmt.Errorf("cannot write the raw output: %w", err)
	}
	return nil
}

// measureOperations runs the rounds of the decode and handler levels.
func (l *lab) measureOperations(ctx context.Context) error {
	blocks := l.blocks()
	if err := calibrate(ctx, blocks, l.slice); err != nil {
		return err
	}
	each := l.slice * 5 / 4 // with the preparation
	operations := 0
	for _, b := range blocks {
		operations += len(b)
	}
	l.progress = newProgress(l.stderr, l.total(operations, each))
	for round := range l.rounds {
		for _, b := range blocks {
			for _, i := range turn(len(b), round) {
				if err := context.Cause(ctx); err != nil {
					return fmt.Errorf("cannot finish: %w", err)
				}
				slice, err := b[i].Measure(b[i].passes)
				if err == nil {
					err = l.write(b[i].Name(), slice.Bodies, slice.Values())
				}
				if err != nil {
					return err
				}
				l.progress.add(each, "decode and handler, round %d of %d", round+1, l.rounds)
			}
		}
	}
	return nil
}

// total is about how long all rounds take.
func (l *lab) total(operations int, each time.Duration) time.Duration {
	total := time.Duration(l.rounds*operations) * each
	if slices.Contains(l.levels, benchmarks.LevelService) {
		n := len(l.servicePayloads()) * (len(l.engines) + l.serviceRounds*(len(l.engines)+1))
		total += time.Duration(n) * l.service.whole()
	}
	return total
}

// calibrate sets how many passes each operation makes in a round.
func calibrate(ctx context.Context, blocks []block, slice time.Duration) (err error) {
	for _, b := range blocks {
		for i := range b {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("cannot finish: %w", err)
			}
			if twin := slices.IndexFunc(b[:i], func(o operation) bool { return o.Guard == b[i].Guard && sameEngine(o.Engine.Name, b[i].Engine.Name) }); twin >= 0 {
				b[i].passes = b[twin].passes
			} else if b[i].passes, err = b[i].Calibrate(slice); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameEngine(a, b string) bool {
	return strings.TrimSuffix(a, again) == strings.TrimSuffix(b, again)
}

// prepareService builds the program, once for all rounds; nil when the service level is not measured.
func (l *lab) prepareService(ctx context.Context) (*service, []benchmarks.Payload, error) {
	payloads := l.servicePayloads()
	if !slices.Contains(l.levels, benchmarks.LevelService) || len(payloads) == 0 {
		return nil, nil, nil
	}
	fmt.Fprintln(l.stderr, "building the server")
	binary, err := os.CreateTemp("", "metricstream-")
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a place for the server: %w", err)
	}
	binary.Close()
	if err := buildProgram(ctx, l.root, "metricstream", binary.Name()); err != nil {
		return nil, nil, errors.Join(err, os.Remove(binary.Name()))
	}
	return &service{binary: binary.Name(), timing: l.service, tail: l.mode == "full"}, payloads, nil
}

// measureService finds the open loop's rates and runs the rounds of the service level.
func (l *lab) measureService(ctx context.Context, s *service, payloads []benchmarks.Payload) error {
	if s == nil {
		return nil
	}
	if l.progress == nil {
		l.progress = newProgress(l.stderr, l.total(0, 0))
	}
	l.info.OpenRates = map[string]float64{}
	for _, payload := range payloads {
		slowest := 0.0
		for _, e := range l.engines {
			result, err := s.measure(ctx, e.Name, payload, 0, 0)
			if err != nil {
				return err
			}
			if slowest == 0 || result.rate < slowest {
				slowest = result.rate
			}
			l.progress.add(l.service.whole(), "service, calibrating")
		}
		l.info.OpenRates[payload.Name] = openShare * slowest
	}
	contestants := l.contestants()
	for round := range l.serviceRounds {
		for _, payload := range payloads {
			for _, i := range turn(len(contestants), round) {
				name := contestants[i].Name
				result, err := s.measure(ctx, strings.TrimSuffix(name, again), payload, l.info.OpenRates[payload.Name], uint64(round))
				if err == nil {
					err = l.write(serviceName(name, payload.Name, "closed"), result.requests[0], result.closed)
				}
				if err == nil {
					err = l.write(serviceName(name, payload.Name, "open"), result.requests[1], result.open)
				}
				if err != nil {
					return err
				}
				if result.bottleneck != "" {
					l.bottlenecks = append(l.bottlenecks, result.bottleneck)
				}
				l.progress.add(l.service.whole(), "service, round %d of %d", round+1, l.serviceRounds)
			}
		}
	}
	return nil
}
