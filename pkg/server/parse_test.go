package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// file writes a configuration file and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "metricstream.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestParseOfNothingIsTheDefault(t *testing.T) {
	o, err := Parse(nil)
	require.NoError(t, err)
	assert.Equal(t, DefaultConfig(), o.Config)
}

func TestEachSourceStandsBeforeTheNext(t *testing.T) {
	path := file(t, "rate-limit: 3\njson-engine: std\nmax-in-flight: 7\nphase: 2\n")
	t.Setenv("METRICSTREAM_RATE_LIMIT", "2")
	t.Setenv("METRICSTREAM_JSON_ENGINE", "sonic")
	t.Setenv("METRICSTREAM_CONFIG", path)
	t.Setenv("METRICSTREAM_PHASE", "1")

	o, err := Parse([]string{"--rate-limit=1", "--phase", "0"})
	require.NoError(t, err)
	assert.Equal(t, 1, o.RateLimit, "the flag stands before the environment and the file")
	assert.Equal(t, "sonic", o.Engine, "the environment stands before the file and the phase")
	assert.Equal(t, 7, o.MaxInFlight, "the file stands before the phase")
	assert.Equal(t, "direct", o.Writer, "the phase stands before the default")
	assert.Equal(t, "0", o.Phase, "the phase itself is a setting like others")
	assert.Equal(t, 10*time.Second, o.ReadTimeout, "the default is what remains")

	var out strings.Builder
	require.NoError(t, o.WriteConfig(&out))
	for setting, source := range map[string]string{
		"rate-limit: 1": "flag", "json-engine: sonic": "environment", "max-in-flight: 7": "file",
		"writer: direct": "phase 0", "read-timeout: 10s": "default",
	} {
		assert.Regexp(t, `(?m)^`+setting+` +# `+source+`$`, out.String())
	}
}

func TestPhaseFromEnvironmentAndFile(t *testing.T) {
	o, err := Parse([]string{"--config", file(t, "phase: 2\n")})
	require.NoError(t, err)
	assert.Equal(t, "naive", o.Engine)
	assert.Equal(t, "memory", o.Ack)

	t.Setenv("METRICSTREAM_PHASE", "4")
	o, err = Parse(nil)
	require.NoError(t, err)
	assert.Equal(t, 256, o.MaxInFlight)
}

func TestEveryPhaseIsAValidConfig(t *testing.T) {
	for n := range phaseCount {
		byNumber, err := PhaseConfig(n)
		require.NoError(t, err)
		require.NoError(t, byNumber.Validate(), "phase %d", n)
		byFlag, err := Parse([]string{"--phase=" + phaseNames()[n]})
		require.NoError(t, err)
		assert.Equal(t, byNumber, byFlag.Config, "phase %d", n)

		names := map[string]bool{}
		for _, s := range byNumber.settings() {
			names[s.name] = true
		}
		for name := range phases()[n] {
			assert.True(t, names[name], "phase %d sets %s, which is no setting", n, name)
		}
	}
	_, err := PhaseConfig(5)
	assert.ErrorIs(t, err, ErrConfig)
	_, err = PhaseConfig(-1)
	assert.ErrorIs(t, err, ErrConfig)
}

func TestPrintedConfigGivesTheSameConfig(t *testing.T) {
	o, err := Parse([]string{"--phase=4", "--data-dir", "a \"b\"\\c # d: é", "--max-body-bytes=65KiB", "--idle-timeout=90s",
		"--auth=keys", "--auth-keys-file=keys", "--group-bytes=100001", "--admin-listen="})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, o.WriteConfig(&out))

	again, err := Parse([]string{"--config", file(t, out.String())})
	require.NoError(t, err, "the file is\n%s", &out)
	assert.Equal(t, o.Config, again.Config)
	var keys map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(out.String()), &keys))
	assert.Len(t, keys, len(o.settings()), "every setting is printed")
}

func TestWrongConfigurationsSayWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		env  string // NAME=value
		file string
		want string
	}{
		{name: "unknown engine", args: []string{"--json-engine=nosuch"},
			want: `invalid value "nosuch" for --json-engine: want one of custom, naive, fastjson, sonic, go-json, std, json-v2`},
		{name: "unknown flag", args: []string{"--lisen=:1"}, want: "flag provided but not defined: --lisen; --help lists the flags"},
		{name: "flag without its value", args: []string{"--listen"}, want: "flag needs an argument: --listen"},
		{name: "argument", args: []string{"serve"}, want: `unexpected argument "serve"`},
		{name: "no number", args: []string{"--max-conns=many"}, want: "for --max-conns: want a whole number from 0 to"},
		{name: "negative number", args: []string{"--rate-limit=-1"}, want: "for --rate-limit: want a whole number from 0"},
		{name: "no duration", args: []string{"--rate-window=5"}, want: "want a duration of at least 1ms, such as 500ms or 10s"},
		{name: "no time", args: []string{"--read-timeout=0s"}, want: "want a duration of at least 1ms"},
		{name: "no size", args: []string{"--max-body-bytes=big"}, want: "want a number of bytes from 1KiB to 1GiB"},
		{name: "size that overflows", args: []string{"--max-body-bytes=9223372036854775807GiB"}, want: "want a number of bytes"},
		{name: "tiny size", args: []string{"--queue-bytes=0"}, want: "want a number of bytes from 1KiB"},
		{name: "phase", args: []string{"--phase=5"}, want: "for --phase: want one of 0, 1, 2, 3, 4"},
		{name: "direct writer in memory", args: []string{"--writer=direct"}, want: "use --ack=written or --ack=synced"},
		{name: "keys without a file", args: []string{"--auth=keys"}, want: "needs --auth-keys-file"},
		{name: "a file without keys", args: []string{"--auth-keys-file=f"}, want: "of no use without --auth=keys"},
		{name: "small queue", args: []string{"--queue-bytes=1MiB"}, want: "--queue-bytes=1MiB cannot hold the lines of the largest body; use 4MiB or more"},
		{name: "large group", args: []string{"--group-bytes=65MiB"}, want: "--group-bytes is more than --queue-bytes"},
		{name: "long delay", args: []string{"--drain-delay=10s"}, want: "--drain-delay leaves nothing of --shutdown-timeout"},
		{name: "environment", env: "METRICSTREAM_ACK=maybe",
			want: `"ack" from environment variable "METRICSTREAM_ACK": want one of memory, written, synced`},
		{name: "no file", args: []string{"--config=/nosuch/file.yaml"}, want: "cannot use the configuration file /nosuch/file.yaml: open"},
		{name: "unknown key", file: "listen: \":1\"\nlisen: \":2\"\n", want: `line 2: "lisen": unknown key`},
		{name: "the file in the file", file: "config: x\n", want: `line 1: "config": unknown key`},
		{name: "repeated key", file: "ack: synced\nack: written\n", want: `line 2: "ack": repeated`},
		{name: "list", file: "ack: [synced]\n", want: `line 1: "ack": want a single value`},
		{name: "null", file: "ack:\n", want: `line 1: "ack": want a single value`},
		{name: "wrong value in a file", file: "\nmax-conns: many\n", want: `line 2: max-conns: "many": want a whole number`},
		{name: "no map", file: "- listen\n", want: "line 1: want lines such as"},
		{name: "two documents", file: "ack: synced\n---\nack: written\n", want: "more than one document"},
		{name: "no YAML", file: "ack: \"synced\n", want: "yaml: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if name, value, ok := strings.Cut(c.env, "="); ok {
				t.Setenv(name, value)
			}
			if c.file != "" {
				c.args = append(c.args, "--config", file(t, c.file))
			}
			_, err := Parse(c.args)
			require.ErrorIs(t, err, ErrConfig)
			assert.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "\n", "an error is one line")
		})
	}
}

func TestEmptyFilesAreConfigurations(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}\n"} {
		o, err := Parse([]string{"--config", file(t, text)})
		require.NoError(t, err, "%q", text)
		assert.Equal(t, DefaultConfig(), o.Config, "%q", text)
	}
}

// Deployments set METRICSTREAM_VERSION and the like for their own ends.
func TestOtherVariablesAreLeftAlone(t *testing.T) {
	t.Setenv("METRICSTREAM_VERSION", "v1.2.3")
	t.Setenv("METRICSTREAM_PRINT_CONFIG", "perhaps")
	t.Setenv("METRICSTREAM_SERVICE_HOST", "10.0.0.1")
	o, err := Parse(nil)
	require.NoError(t, err)
	assert.False(t, o.Version)
	assert.False(t, o.PrintConfig)
}

func TestHelpListsEverySetting(t *testing.T) {
	var out strings.Builder
	require.NoError(t, WriteHelp(&out))
	defaults := DefaultConfig()
	for _, s := range defaults.settings() {
		assert.Contains(t, out.String(), "  --"+s.name+"="+s.value.String()+"  "+envName(s.name)+"\n        "+s.usage)
	}
	assert.Contains(t, out.String(), "one of custom, naive,")
	for _, args := range [][]string{{"-h"}, {"--help"}, {"--ack=synced", "-help"}} {
		o, err := Parse(args)
		require.NoError(t, err)
		assert.True(t, o.Help, "%q", args)
	}
}

func TestVersionAsksForNothingElse(t *testing.T) {
	t.Setenv("METRICSTREAM_CONFIG", "/nosuch")
	o, err := Parse([]string{"--version"})
	require.NoError(t, err)
	assert.True(t, o.Version)
}

func TestSizesAreReadAndPrinted(t *testing.T) {
	for in, want := range map[string]string{
		"1024": "1KiB", "1500": "1500", "64KiB": "64KiB", "1536KiB": "1536KiB", "2048KiB": "2MiB", "1GiB": "1GiB",
	} {
		var n size
		require.NoError(t, n.Set(in))
		assert.Equal(t, want, n.String(), in)
	}
}

func TestConfigsMadeInCodeAreValidatedToo(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxConns = -1
	err := cfg.Validate()
	require.ErrorIs(t, err, ErrConfig)
	assert.ErrorContains(t, err, "--max-conns=-1: want a whole number from 0")
	assert.ErrorIs(t, new(Config).Validate(), ErrConfig, "a zero Config is none")
}

func TestLogLevels(t *testing.T) {
	for level, lines := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		cfg := DefaultConfig()
		cfg.LogLevel = level
		require.NoError(t, cfg.Validate())
		var out strings.Builder
		log := cfg.Logger(&out)
		log.Debug("1")
		log.Info("2")
		log.Warn("3")
		log.Error("4")
		assert.Equal(t, lines, strings.Count(out.String(), "\n"), level)
	}
}

func TestDocumentationHasEverySetting(t *testing.T) {
	prose, err := os.ReadFile("../../docs/http-api.md")
	require.NoError(t, err)
	defaults := DefaultConfig()
	for _, s := range defaults.settings() {
		assert.Contains(t, string(prose), "| `--"+s.name+"` |")
	}
	for n := range phaseCount {
		for name, value := range phases()[n] {
			assert.Contains(t, string(prose), "--"+name+"="+value, "of phase %d", n)
		}
	}
}
