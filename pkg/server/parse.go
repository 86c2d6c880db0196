package server

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/peterbourgon/ff/v3"
	"go.yaml.in/yaml/v3"
)

const envPrefix = "METRICSTREAM"

// Options is what a command line asks for.
type Options struct {
	Config
	Phase       string // whose settings stand in for the defaults; empty for none
	Help        bool   // the rest is not looked at
	Version     bool   // likewise
	PrintConfig bool

	file   string            // path of the configuration file
	source map[string]string // where the value of a setting came from, by its name; absent for a default
}

// Parse reads the command line, the environment, the configuration file and the phase, each in what
// those before it leave open. Its errors match ErrConfig.
func Parse(args []string) (*Options, error) {
	o := &Options{Config: DefaultConfig(), source: make(map[string]string)}
	if err := o.parse(args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if o.Help || o.Version {
		return o, nil
	}
	return o, o.Validate()
}

func (o *Options) parse(args []string) error {
	fs := flag.NewFlagSet("metricstream", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	o.register(fs)
	fs.StringVar(&o.file, "config", "", "")
	fs.Var(choice(&o.Phase, phaseNames()...), "phase", "")
	fs.BoolVar(&o.Version, "version", false, "")
	fs.BoolVar(&o.PrintConfig, "print-config", false, "")

	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		o.Help = true
		return nil
	case err != nil:
		return errors.New(flagFault(err.Error()))
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: settings are flags, such as --listen=:8080; --help lists them", fs.Arg(0))
	case o.Version:
		return nil
	}
	// METRICSTREAM_VERSION is a name that deployments use for their own ends: what is no setting and counts as set
	// is not looked up in the environment.
	o.note(fs, "flag")
	if err := fs.Set("version", strconv.FormatBool(o.Version)); err != nil {
		return err
	}
	if err := fs.Set("print-config", strconv.FormatBool(o.PrintConfig)); err != nil {
		return err
	}

	if err := ff.Parse(fs, nil, ff.WithEnvVarPrefix(envPrefix)); err != nil {
		return err
	}
	o.note(fs, "environment")

	if err := ff.Parse(fs, nil, ff.WithConfigFile(o.file), ff.WithConfigFileParser(o.parseFile)); err != nil {
		return fmt.Errorf("cannot use the configuration file %s: %w", o.file, err)
	}
	o.note(fs, "file")

	if o.Phase == "" {
		return nil
	}
	n, err := strconv.Atoi(o.Phase)
	if err != nil {
		return err
	}
	return o.applyPhase(n, o.source)
}

// note remembers that what is set by now, and was not before, came from source.
func (o *Options) note(fs *flag.FlagSet, source string) {
	fs.Visit(func(f *flag.Flag) {
		if o.source[f.Name] == "" {
			o.source[f.Name] = source
		}
	})
}

// parseFile is a ff.ConfigFileParser. ff's own for YAML takes the last of a repeated key and knows no line numbers.
func (o *Options) parseFile(r io.Reader, set func(name, value string) error) error {
	known := map[string]bool{"phase": true}
	for _, s := range o.settings() {
		known[s.name] = true
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(r)
	if err := dec.Decode(&doc); err == io.EOF {
		return nil // empty, or comments alone
	} else if err != nil {
		return err
	}
	if dec.Decode(new(yaml.Node)) != io.EOF {
		return errors.New("it holds more than one document; want one")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want lines such as `listen: \":8080\"`", root.Line)
	}
	seen := make(map[string]bool)
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		fault := ""
		switch {
		case !known[key.Value]:
			fault = "unknown key; the keys are the flags that --help lists, without dashes"
		case seen[key.Value]:
			fault = "repeated; want each key once"
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			fault = "want a single value"
		}
		seen[key.Value] = true
		if fault != "" {
			return fmt.Errorf("line %d: %q: %s", key.Line, key.Value, fault)
		}
		if err := set(key.Value, value.Value); err != nil {
			return fmt.Errorf("line %d: %s: %q: %w", key.Line, key.Value, value.Value, errors.Unwrap(err))
		}
	}
	return nil
}

// flagFault spells flags with two dashes, as our documentation does; package flag writes one.
func flagFault(s string) string {
	s = strings.Replace(s, "for flag -", "for --", 1)
	s = strings.Replace(s, "needs an argument: -", "needs an argument: --", 1)
	if unknown, name, ok := strings.Cut(s, "not defined: -"); ok {
		return unknown + "not defined: --" + name + "; --help lists the flags"
	}
	return s
}

func phaseNames() (names []string) {
	for n := range phaseCount {
		names = append(names, strconv.Itoa(n))
	}
	return names
}
