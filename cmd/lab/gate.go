package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"metricstream/benchmarks"
	"metricstream/pkg/report"
	"metricstream/pkg/stats"
)

const aboutGate = `gate --base=<git ref> [flags]

Builds the lab at the base and from the working tree, lets them alternate slice by slice, and fails if the working
tree is slower by more than the noise of the bench, or allocates more often. The base runs against itself as well:
how far it differs from itself is the noise floor.`

// labels of the sides.
const (
	baseSide = "base"
	headSide = "head"
	twinSide = "base" + again
)

// gate compares two revisions.
type gate struct {
	paths  map[string]string // of the executables, by side
	names  []string          // of the operations
	rounds int
	slice  time.Duration
	floor  float64 // the least noise floor, as a ratio
	raw    io.Writer
	log    io.Writer
}

// errSlower is the gate's verdict against the head.
var errSlower = errors.New("the working tree is worse than the base")

func gateCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var base, engineList, payloadList string
	var tolerance float64
	g := gate{slice: 10 * time.Millisecond, log: stderr}
	fs := flags("gate", aboutGate, stdout)
	fs.StringVar(&base, "base", "", "git `ref` to compare the working tree with (required)")
	fs.StringVar(&engineList, "engines", "custom", "engines to measure, separated by commas")
	fs.StringVar(&payloadList, "payloads", "one,batch100,rotating", "payloads to measure, separated by commas")
	fs.IntVar(&g.rounds, "rounds", 150, "rounds")
	fs.Float64Var(&tolerance, "tolerance", 3, "`percent` that count as noise even where the bench is quieter: a change elsewhere moves the code, and that alone costs or gains as much")
	if err := parse(fs, args); err != nil {
		return err
	}
	g.floor = 1 + tolerance/100
	operations, err := gateOperations(engineList, payloadList)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	for _, o := range operations {
		g.names = append(g.names, o.Name())
	}
	if need := max(leastRuns, stats.MinRounds(len(g.names), alpha)); g.rounds < need {
		return fmt.Errorf("%w: %d rounds cannot decide %d comparisons; at least %d are needed", errUsage, g.rounds, len(g.names), need)
	}
	if base == "" {
		return fmt.Errorf("%w: which revision to compare with? --base=<git ref>, or make bench-gate BASE=<git ref>", errUsage)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "metricstream-gate-")
	if err != nil {
		return fmt.Errorf("cannot make a place for the executables: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := g.build(ctx, root, base, dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return fmt.Errorf("cannot write the raw output: %w", err)
	}
	raw, err := os.Create(filepath.Join(root, "bin", "lab-gate.txt"))
	if err != nil {
		return fmt.Errorf("cannot write the raw output: %w", err)
	}
	defer raw.Close()
	g.raw = raw
	return g.run(ctx, stdout)
}

func gateOperations(engineList, payloadList string) (operations []benchmarks.Operation, err error) {
	chosen, _, err := chooseEngines(engineList)
	if err != nil {
		return nil, err
	}
	payloads, err := choosePayloads(payloadList, "")
	if err != nil {
		return nil, err
	}
	for _, p := range payloads {
		for _, level := range []string{benchmarks.LevelDecode, benchmarks.LevelHandler} {
			for _, e := range chosen {
				operations = append(operations, benchmarks.Operation{Level: level, Engine: e, Guard: benchmarks.GuardContract, Payload: p})
			}
		}
	}
	return operations, nil
}

// build makes the executables. The base's source is an archive of its commit: unlike a worktree, it leaves no trace
// in the repository, however the gate ends.
func (g *gate) build(ctx context.Context, root, base, dir string) error {
	commit, err := git(ctx, root, "rev-parse", "--verify", "--quiet", base+"^{commit}")
	if err != nil {
		return fmt.Errorf("%w: no revision %q: %w", errUsage, base, err)
	}
	source, archive := filepath.Join(dir, "source"), filepath.Join(dir, "source.tar")
	if _, err := git(ctx, root, "archive", "--output="+archive, commit); err != nil {
		return err
	}
	if err := os.Mkdir(source, 0o755); err != nil {
		return fmt.Errorf("cannot unpack the base: %w", err)
	}
	if _, err := output(exec.CommandContext(ctx, "tar", "-xf", archive, "-C", source)); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(source, "cmd", "lab")); err != nil {
		return fmt.Errorf("%w: cannot compare with %s (%.12s): it has no cmd/lab yet, which must measure it; choose a later revision", errUsage, base, commit)
	}
	g.paths = map[string]string{baseSide: filepath.Join(dir, "lab-base"), headSide: filepath.Join(dir, "lab-head"), twinSide: filepath.Join(dir, "lab-base")}
	fmt.Fprintf(g.log, "building %s (%.12s) and the working tree\n", base, commit)
	if err := buildProgram(ctx, source, "lab", g.paths[baseSide]); err != nil {
		return err
	}
	return buildProgram(ctx, root, "lab", g.paths[headSide])
}

// readings are the numbers of one operation, by side and unit, one a round.
type readings map[string]map[string][]float64

func (g *gate) run(ctx context.Context, stdout io.Writer) error {
	passes, err := g.calibrate(ctx, stdout)
	if err != nil {
		return err
	}
	measured := map[string]readings{}
	for _, name := range g.names {
		measured[name] = readings{baseSide: {}, headSide: {}, twinSide: {}}
	}
	each := 3 * time.Duration(len(g.names)) * g.slice
	progress := newProgress(g.log, time.Duration(g.rounds)*each)
	for round := range g.rounds {
		if err := g.round(ctx, round, passes, measured); err != nil {
			return err
		}
		progress.add(each, "round %d of %d", round+1, g.rounds)
	}
	return g.judge(measured, stdout)
}

// start runs all sides. They run anew in each round, and in another order: an executable's place in memory is chosen
// when it starts.
func (g *gate) start(ctx context.Context, round int) (sides []*side, stop func() error, err error) {
	labels := []string{baseSide, headSide, twinSide}
	sides = make([]*side, len(labels))
	stop = func() (err error) {
		for _, s := range sides {
			if s != nil {
				err = errors.Join(err, s.stop())
			}
		}
		return err
	}
	for _, i := range turn(len(labels), round) {
		if sides[i], err = startSide(ctx, labels[i], g.paths[labels[i]]); err != nil {
			return nil, nil, errors.Join(err, stop())
		}
	}
	return sides, stop, nil
}

// calibrate finds how many passes the base makes in a slice. It leaves out, and says so, what one side does not have
// or has with another payload.
func (g *gate) calibrate(ctx context.Context, stdout io.Writer) (passes map[string]int, err error) {
	sides, stop, err := g.start(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	passes = map[string]int{}
	var comparable []string
	for _, name := range g.names {
		sums := make([]string, 2)
		var refused error
		for i, s := range sides[:2] {
			reply, err := s.ask("calibrate %s %v", name, g.slice)
			var n int
			if err == nil {
				_, err = fmt.Sscanf(reply, "ok %d %s", &n, &sums[i])
			}
			switch {
			case errors.Is(err, errRefused):
				refused = err
			case err != nil:
				return nil, err
			case s.label == baseSide:
				passes[name] = n
			}
		}
		if refused == nil && sums[0] != sums[1] {
			refused = fmt.Errorf("%w: the payload of %s is another one", errRefused, name)
		}
		if refused != nil {
			fmt.Fprintln(stdout, refused)
			continue
		}
		comparable = append(comparable, name)
	}
	if comparable == nil {
		return nil, errors.New("there is nothing that both revisions can measure")
	}
	g.names = comparable
	return passes, nil
}

func (g *gate) round(ctx context.Context, round int, passes map[string]int, measured map[string]readings) (err error) {
	sides, stop, err := g.start(ctx, round)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for k, name := range g.names {
		for _, i := range turn(len(sides), round+k) {
			s := sides[i]
			line, err := s.ask("measure %s %d", name, passes[name])
			if err != nil {
				return err
			}
			if err := g.keep(line, s.label, measured[name][s.label]); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep reads a line of a side, and writes it to the raw output under that side's name.
func (g *gate) keep(line, label string, into map[string][]float64) error {
	lines := benchfmt.NewReader(strings.NewReader(line), label)
	if !lines.Scan() {
		return fmt.Errorf("cannot read the answer of %s: %q", label, line)
	}
	result, ok := lines.Result().(*benchfmt.Result)
	if !ok {
		return fmt.Errorf("cannot read the answer of %s: %v", label, lines.Result())
	}
	for _, v := range result.Values {
		into[v.Unit] = append(into[v.Unit], v.Value)
	}
	name, rest, _ := strings.Cut(line, "\t")
	if _, err := fmt.Fprintf(g.raw, "%s\t%s", strings.Replace(name, "/engine=", "/revision="+label+"/engine=", 1), rest); err != nil {
		return fmt.Errorf("cannot write the raw output: %w", err)
	}
	return nil
}

// judge prints what was found and returns errSlower when it speaks against the head.
func (g *gate) judge(measured map[string]readings, stdout io.Writer) error {
	heads, floors := make([]stats.Comparison, len(g.names)), make([]float64, len(g.names))
	p := make([]float64, len(g.names))
	for i, name := range g.names {
		m := measured[name]
		head, err := stats.Paired(m[headSide][unitTime], m[baseSide][unitTime], confidence)
		if err != nil {
			return fmt.Errorf("cannot compare %s: %w", name, err)
		}
		same, err := stats.Paired(m[twinSide][unitTime], m[baseSide][unitTime], confidence)
		if err != nil {
			return fmt.Errorf("cannot compare %s with itself: %w", name, err)
		}
		heads[i], floors[i], p[i] = head, max(g.floor, stats.NoiseFloor(same)), head.P
	}
	t := &report.Table{Columns: []report.Column{{Name: "operation"}, {Name: "base", Unit: "CPU ns/op"}, {Name: "head", Unit: "CPU ns/op"},
		{Name: "head/base (95% CI)"}, {Name: "p"}, {Name: "noise floor"}, {Name: "base", Unit: "allocs/op"}, {Name: "head", Unit: "allocs/op"}, {Name: "verdict"}}}
	worse := 0
	for i, adjusted := range stats.Holm(p) {
		name := g.names[i]
		m := measured[name]
		verdict := map[stats.Verdict]string{stats.Undecided: "no difference shown", stats.Lower: "faster", stats.Higher: "SLOWER"}[stats.Rule{Alpha: alpha, Floor: floors[i]}.Judge(heads[i], adjusted)]
		before, after := allocations(m[baseSide]), allocations(m[headSide])
		switch {
		case after > before:
			verdict += ", ALLOCATES MORE"
		case after < before:
			verdict += ", allocates less"
		}
		if strings.ToLower(verdict) != verdict {
			worse++
		}
		median := func(label string) float64 { return 1e9 * stats.Quantile(m[label][unitTime], 0.5) }
		t.Rows = append(t.Rows, []report.Cell{report.Text(strings.TrimSuffix(name[strings.Index(name, "/level=")+7:], "\n")),
			report.Number(median(baseSide)), report.Number(median(headSide)), report.Text(intervalText(heads[i].Ratio)), report.Text(pText(adjusted)),
			report.Text(floorText(floors[i])), report.Count(before), report.Count(after), report.Text(verdict)})
	}
	if err := t.WriteText(stdout); err != nil {
		return err
	}
	if worse > 0 {
		return fmt.Errorf("%w in %d of %d operations", errSlower, worse, len(g.names))
	}
	_, err := fmt.Fprintf(stdout, "\nthe working tree was not shown to be slower than the base, beyond the noise floors above, in any of %d operations (%d rounds), and allocates no more\n", len(g.names), g.rounds)
	return err
}

// allocations is how often an operation allocates. The rest of the process allocates now and then, far less
// than once for each of the thousands of operations in a slice, so the median of the rounded counts is exact for a
// payload of one body. For one of several it is a mean: an allocation in less than half of its bodies goes unseen.
func allocations(m map[string][]float64) int {
	counts := make([]float64, len(m["allocs/op"]))
	for i, n := range m["allocs/op"] {
		counts[i] = math.Round(n)
	}
	slices.Sort(counts)
	return int(counts[len(counts)/2])
}
