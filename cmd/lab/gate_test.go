package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines"
)

// sides returns executables for a gate: the base sound, the head with that fault. Both are this test itself.
func sides(t *testing.T, fault string) map[string]string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	sound := script(t, sideVariable+`="" exec "`+self+`" "$@"`)
	return map[string]string{baseSide: sound, twinSide: sound, headSide: script(t, sideVariable+`="`+fault+`" exec "`+self+`" "$@"`)}
}

func realGate(t *testing.T, fault string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	g := gate{paths: sides(t, fault), rounds: 12, slice: 4 * time.Millisecond, floor: 1.03, raw: io.Discard, log: io.Discard,
		names: []string{"Decode/level=decode/engine=custom/guard=contract/payload=one"}}
	err := g.run(t.Context(), &out)
	t.Logf("%s:\n%s", fault, &out)
	return out.String(), err
}

// Real processes, real times: the same code passes; far slower and more wasteful code does not.
// How small a slowdown is found depends on the machine's noise, which synthetic times stand for below.
func TestTheGateOverRealProcesses(t *testing.T) {
	if raceEnabled {
		t.Skip("the times would be the race detector's")
	}
	out, err := realGate(t, "none")
	require.NoError(t, err)
	assert.Contains(t, out, "was not shown to be slower than the base, beyond the noise floors above, in any of 1 operations (12 rounds)")
	out, err = realGate(t, "slow and wasteful")
	require.ErrorIs(t, err, errSlower)
	assert.Contains(t, out, "SLOWER, ALLOCATES MORE")
}

// drifting makes the readings of one operation: the head's times are the base's by that factor, and noise.
func drifting(r *rand.Rand, rounds int, factor, allocs float64) readings {
	m := readings{baseSide: {}, headSide: {}, twinSide: {}}
	for range rounds {
		drift := math.Exp(0.35 * r.NormFloat64())
		for label, times := range map[string]float64{baseSide: 1, twinSide: 1, headSide: factor} {
			m[label][unitTime] = append(m[label][unitTime], 1e-6*drift*times*math.Exp(0.03*r.NormFloat64()))
			n := 3.0
			if label == headSide {
				n = allocs
			}
			m[label]["allocs/op"] = append(m[label]["allocs/op"], n+0.01*r.Float64())
		}
	}
	return m
}

// A slowdown of 10% is caught under a drift of 35%, and equal code raises no alarm, again and again.
func TestTheGateKnowsATenthFromNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	g := gate{rounds: 40, floor: 1.03}
	for i := range 6 {
		g.names = append(g.names, fmt.Sprintf("Decode/level=decode/%d", i))
	}
	judge := func(factor, allocs float64) (string, error) {
		measured := map[string]readings{}
		for i, name := range g.names {
			measured[name] = drifting(r, g.rounds, 1, 3)
			if i == 2 {
				measured[name] = drifting(r, g.rounds, factor, allocs)
			}
		}
		var out bytes.Buffer
		err := g.judge(measured, &out)
		return out.String(), err
	}
	const runs = 30
	caught := 0
	for range runs {
		out, err := judge(1, 3)
		assert.NoError(t, err, "a false alarm:\n%s", out)
		if _, err := judge(1.1, 3); err != nil {
			assert.ErrorContains(t, err, "worse than the base in 1 of 6 operations")
			caught++
		}
	}
	assert.GreaterOrEqual(t, caught, runs*9/10, "caught of %d", runs)
	out, err := judge(0.8, 2)
	require.NoError(t, err)
	assert.Contains(t, out, "faster, allocates less")
	out, err = judge(1, 4)
	require.ErrorIs(t, err, errSlower)
	assert.Contains(t, out, "no difference shown, ALLOCATES MORE")

	broken := map[string]readings{}
	for _, name := range g.names {
		broken[name] = drifting(r, 3, 1, 3)
	}
	broken[g.names[1]][twinSide][unitTime][0] = 0
	assert.ErrorContains(t, g.judge(broken, io.Discard), "with itself")
	broken[g.names[0]][headSide][unitTime] = nil
	assert.ErrorContains(t, g.judge(broken, io.Discard), "cannot compare")
}

// repository is a checkout of a module whose cmd/lab is the program given as source; with none it has no cmd/lab.
func repository(t *testing.T, program string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.WriteFile("go.mod", []byte("module metricstream\n\ngo 1.26\n"), 0o600))
	if program != "" {
		require.NoError(t, os.MkdirAll("cmd/lab", 0o755))
		require.NoError(t, os.WriteFile("cmd/lab/main.go", []byte(program), 0o600))
	}
	for _, args := range []string{"init -q", "add .", "-c user.name=lab -c user.email=lab@localhost commit -q -m start"} {
		out, err := exec.Command("git", strings.Fields(args)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// fake is a lab with made-up numbers. TIMES and SUM stand for how slow it is, and for its payload's checksum.
const fake = `package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

func main() {
	fmt.Println("` + sliceGreeting + `")
	round := float64(os.Getpid() % 7)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "calibrate" {
			fmt.Println("ok 7 SUM")
			continue
		}
		fmt.Printf("Benchmark%s-2\t7\t%g cpu-ns/op\t3 allocs/op\n", fields[1], 100*TIMES + round/100)
	}
}
`

func TestTheGateOverRevisions(t *testing.T) {
	program := func(times, sum string) string { return strings.NewReplacer("TIMES", times, "SUM", sum).Replace(fake) }
	args := []string{"gate", "--base=HEAD", "--payloads=one", "--rounds=12"}
	repository(t, program("1.0", "a"))
	out, err := command(t, args...)
	require.NoError(t, err)
	assert.Contains(t, out, "was not shown to be slower than the base, beyond the noise floors above, in any of 2 operations")
	raw := read(t, filepath.Join("bin", "lab-gate.txt"))
	assert.Equal(t, 2*3*12, strings.Count(raw, "\n"))
	assert.Contains(t, raw, "BenchmarkDecode/level=decode/revision=base-again/engine=custom/guard=contract/payload=one-2\t7\t")

	require.NoError(t, os.WriteFile("cmd/lab/main.go", []byte(program("1.2", "a")), 0o600))
	out, err = command(t, args...)
	require.ErrorIs(t, err, errSlower, "%s", out)
	assert.Equal(t, 2, strings.Count(out, "SLOWER"))

	require.NoError(t, os.WriteFile("cmd/lab/main.go", []byte(program("1.0", "other")), 0o600))
	out, err = command(t, args...)
	assert.ErrorContains(t, err, "nothing that both revisions can measure")
	assert.Contains(t, out, "the payload of Decode/level=decode/engine=custom/guard=contract/payload=one is another one")

	require.NoError(t, os.WriteFile("cmd/lab/main.go", []byte("package main\n\nfunc main() { broken }\n"), 0o600))
	_, err = command(t, args...)
	assert.ErrorContains(t, err, "cannot run go build")
	require.NoError(t, os.WriteFile("cmd/lab/main.go", []byte("package main\n\nfunc main() { println(\"lab: no command slice\") }\n"), 0o600))
	_, err = command(t, args...)
	assert.ErrorContains(t, err, "cannot compare with head: its lab does not know `slice`")
	assert.ErrorContains(t, err, "lab: no command slice")
}

func TestABaseWithoutTheLab(t *testing.T) {
	repository(t, "")
	_, err := command(t, "gate", "--base=HEAD")
	require.ErrorIs(t, err, errUsage)
	assert.ErrorContains(t, err, "it has no cmd/lab yet")
}

func TestTheSliceProtocol(t *testing.T) {
	const name = "Decode/level=decode/engine=custom/guard=none/payload=one"
	requests := []string{"calibrate " + name + " 1ms", "measure " + name + " 5", "measure " + name + " 0", "measure " + name + " x",
		"calibrate " + name + " soon", "measure nosuch 1", "measure", "sing " + name + " 1"}
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"slice"}, strings.NewReader(strings.Join(requests, "\n")+"\n"), &out, io.Discard))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 1+len(requests))
	assert.Equal(t, sliceGreeting, lines[0])
	assert.Regexp(t, `^ok [0-9]+ [0-9a-f]+$`, lines[1])
	assert.Regexp(t, `^Benchmark`+name+`(-[0-9]+)?\t5\t[0-9.e+]+ ns/op\t.* allocs/op$`, lines[2])
	for i, complaint := range []string{"no number of passes", "no number of passes", "invalid duration", "no operation nosuch", "is not understood", "is not understood"} {
		assert.Contains(t, lines[3+i], "error ")
		assert.Contains(t, lines[3+i], complaint)
	}
	for _, n := range []int{0, 1} {
		err := sliceCommand(engines.All()[:1], strings.NewReader(requests[1]+"\n"), &failing{n})
		assert.ErrorContains(t, err, "full")
	}
}

// failing takes n writes.
type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, fmt.Errorf("full")
	}
	return len(p), nil
}

func TestSidesThatFail(t *testing.T) {
	_, err := startSide(t.Context(), "head", "/no/such/lab")
	assert.ErrorContains(t, err, "cannot start the lab of head")
	answers := func(lines string) *gate {
		path := script(t, "echo '"+sliceGreeting+"'; "+lines)
		return &gate{paths: map[string]string{baseSide: path, headSide: path, twinSide: path}, names: []string{"X/level=x"}, rounds: 10, raw: io.Discard, log: io.Discard}
	}
	assert.ErrorContains(t, answers("exit 5").run(t.Context(), io.Discard), "the lab of base")
	assert.ErrorContains(t, answers("read x; echo ok").run(t.Context(), io.Discard), "newline in input does not match")
	for reply, complaint := range map[string]string{
		"echo nonsense":            "cannot read the answer of base",
		"echo BenchmarkX":          "cannot read the answer of base",
		"echo error broken":        "cannot measure in base: broken",
		"echo BenchmarkX 1 1 B/op": "no observations",
	} {
		g := answers(`if read x; then case "$x" in calibrate*) echo ok 1 a;; *) ` + reply + `;; esac; fi`)
		err := g.run(t.Context(), io.Discard)
		assert.ErrorContains(t, err, complaint, reply)
	}
	g := answers(`read x; echo BenchmarkX 1 1 cpu-ns/op 1 allocs/op`)
	g.raw = &failing{}
	require.ErrorContains(t, g.round(t.Context(), 0, map[string]int{"X/level=x": 1}, map[string]readings{"X/level=x": {baseSide: {}, headSide: {}, twinSide: {}}}), "cannot write the raw output")
}
