// Command lab compares the JSON engines, and one revision of the project with another.
//
// It exits with 0 when it has done its work, 2 when it was called wrongly, and 1 for all else: an engine that decodes
// wrongly, a slowdown, a failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"metricstream/engines"
)

const usage = `Usage: lab <command> [flags]

  compare   measure the engines against each other and write results/<date>-<slug>/
  report    write the tables, the README and report.html of a results folder again, from its raw output
  gate      compare the speed and the allocations of the working tree with those of another revision

lab <command> --help lists a command's flags.
`

// errUsage is matched by errors that another command line would avoid.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintf(os.Stderr, "lab: %v\n", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "compare":
		return compareCommand(ctx, args, stdout, stderr)
	case "report":
		return reportCommand(ctx, args, stdout)
	case "gate":
		return gateCommand(ctx, args, stdout, stderr)
	case "slice": // what gate runs of each revision; not for people
		return sliceCommand(engines.All(), stdin, stdout)
	case "help", "--help", "-help", "-h":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	return fmt.Errorf("%w: no command %q; there are compare, report, gate and help", errUsage, command)
}

// flags is a flag set whose help goes to stdout.
func flags(name, about string, stdout io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("lab "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned, and printed once
	fs.Usage = func() {
		fmt.Fprintf(stdout, "Usage: lab %s\n\n", about)
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		fs.SetOutput(io.Discard)
	}
	return fs
}

// parse reads a command's flags. Arguments that are no flags must be as many as named.
func parse(fs *flag.FlagSet, args []string, named ...*string) error {
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() != len(named) {
		return fmt.Errorf("%w: %d arguments besides flags; %d expected", errUsage, fs.NArg(), len(named))
	}
	for i, name := range named {
		*name = fs.Arg(i)
	}
	return nil
}
