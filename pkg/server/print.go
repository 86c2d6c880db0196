package server

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const helpHead = `Usage: metricstream [flags]

MetricStream takes metrics as JSON over HTTP and keeps them as JSON Lines.

A setting is a flag, an environment variable, and a key in the --config file. A flag stands before
the environment, that before the file, that before --phase, and that before the default shown here.
Sizes are bytes or end in KiB, MiB or GiB; durations are such as 500ms or 10s.

Starting
  --config=FILE  METRICSTREAM_CONFIG
        file of settings in YAML, with the flags' names as keys
  --phase=N  METRICSTREAM_PHASE
        settings of a step in the project's growth, 0 to 4, in place of the defaults
  --print-config
        print the settings and where each comes from, as a file for --config, and exit
  --version
        print the version and exit
  --help
        print this and exit
`

// WriteHelp prints every flag with its variable, its default and what it is for.
func WriteHelp(w io.Writer) error {
	var out bytes.Buffer
	out.WriteString(helpHead)
	defaults := DefaultConfig()
	group := ""
	for _, s := range defaults.settings() {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&out, "\n%s\n", group)
		}
		fmt.Fprintf(&out, "  --%s=%s  %s\n        %s", s.name, s.value, envName(s.name), s.usage)
		if c, ok := s.value.(choiceValue); ok {
			fmt.Fprintf(&out, "; one of %s", c.list())
		}
		out.WriteByte('\n')
	}
	_, err := out.WriteTo(w)
	return err
}

// WriteConfig prints the settings as a configuration file that gives the same Config.
func (o *Options) WriteConfig(w io.Writer) error {
	var out bytes.Buffer
	group := ""
	for _, s := range o.settings() {
		if s.group != group {
			if group != "" {
				out.WriteByte('\n')
			}
			group = s.group
			fmt.Fprintf(&out, "# %s\n", group)
		}
		value := s.value.String()
		if _, ok := s.value.(*text); ok || value == "" {
			value = strconv.Quote(value) // Go's escapes are YAML's too
		}
		source := o.source[s.name]
		if source == "" {
			source = "default"
		}
		fmt.Fprintf(&out, "%-40s # %s\n", s.name+": "+value, source)
	}
	_, err := out.WriteTo(w)
	return err
}

func envName(setting string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}
