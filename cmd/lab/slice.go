package main

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"

	"metricstream/benchmarks"
	"metricstream/engines"
)

// sliceGreeting is the first line of the slice protocol, by which gate knows a revision that speaks it.
// Then, for each line on stdin:
//
//	calibrate NAME DURATION   is answered   ok PASSES CHECKSUM
//	measure NAME PASSES       is answered   a line of Go's benchmark format
//
// or "error" and what is wrong. The process stays, idle, between two of them: what is compared can alternate by the
// slice, some milliseconds apart, without the cost of a start each time.
const sliceGreeting = "metricstream lab slice 1"

func sliceCommand(all []engines.Engine, stdin io.Reader, stdout io.Writer) error {
	if _, err := fmt.Fprintln(stdout, sliceGreeting); err != nil {
		return fmt.Errorf("cannot greet: %w", err)
	}
	known := map[string]benchmarks.Operation{}
	for _, p := range benchmarks.Payloads() {
		for _, e := range all {
			for _, o := range []benchmarks.Operation{
				{Level: benchmarks.LevelDecode, Engine: e, Guard: benchmarks.GuardNone, Payload: p},
				{Level: benchmarks.LevelDecode, Engine: e, Guard: benchmarks.GuardContract, Payload: p},
				{Level: benchmarks.LevelHandler, Engine: e, Guard: benchmarks.GuardContract, Payload: p},
			} {
				known[o.Name()] = o
			}
		}
	}
	requests := bufio.NewScanner(stdin)
	for requests.Scan() {
		reply, err := answer(known, requests.Text())
		if err != nil {
			reply = fmt.Sprintf("error %v\n", err)
		}
		if _, err := io.WriteString(stdout, reply); err != nil {
			return fmt.Errorf("cannot answer: %w", err)
		}
	}
	return requests.Err()
}

func answer(known map[string]benchmarks.Operation, request string) (string, error) {
	var name, argument string
	command, rest, _ := strings.Cut(request, " ")
	if _, err := fmt.Sscan(rest, &name, &argument); err != nil {
		return "", fmt.Errorf("request %q is not understood", request)
	}
	o, ok := known[name]
	if !ok {
		return "", fmt.Errorf("no operation %s", name)
	}
	switch command {
	case "calibrate":
		target, err := time.ParseDuration(argument)
		if err != nil {
			return "", fmt.Errorf("request %q: %w", request, err)
		}
		passes, err := o.Calibrate(target)
		return fmt.Sprintf("ok %d %x\n", passes, checksum(o.Payload)), err
	case "measure":
		var passes int
		if _, err := fmt.Sscan(argument, &passes); err != nil || passes < 1 {
			return "", fmt.Errorf("request %q: no number of passes", request)
		}
		slice, err := o.Measure(passes)
		return benchmarks.Line(name, slice.Bodies, slice.Values()), err
	}
	return "", fmt.Errorf("request %q is not understood", request)
}

// checksum tells payloads apart that have the same name in two revisions.
func checksum(p benchmarks.Payload) uint64 {
	sum := fnv.New64a()
	for _, body := range p.Bodies {
		sum.Write(body)
		sum.Write([]byte{0})
	}
	return sum.Sum64()
}
