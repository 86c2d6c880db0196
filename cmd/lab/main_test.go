package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines"
	"metricstream/pkg/metric"
)

// sideVariable makes the test's own executable a side of the gate, with the engine's fault that it names.
const sideVariable = "LAB_TEST_SIDE"

func TestMain(m *testing.M) {
	if fault, is := os.LookupEnv(sideVariable); is {
		custom, err := engines.Lookup("custom")
		if err == nil {
			err = sliceCommand([]engines.Engine{withFault(custom, fault)}, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// decoderFunc is a decoder with something done after it.
type decoderFunc struct {
	metric.Decoder
	after func(metric.Decoder, *metric.Batch, []byte, error) error
}

func (d decoderFunc) Decode(dst *metric.Batch, body []byte) error {
	return d.after(d.Decoder, dst, body, d.Decoder.Decode(dst, body))
}

// withFault is the engine e, made worse in one way.
func withFault(e engines.Engine, fault string) engines.Engine {
	make := e.New
	var kept []byte
	e.New = func() metric.Decoder {
		return decoderFunc{make(), func(d metric.Decoder, dst *metric.Batch, body []byte, err error) error {
			switch fault {
			case "slow and wasteful":
				for range 9 {
					if err := d.Decode(dst, body); err != nil {
						return err
					}
				}
				kept = append([]byte(nil), body...)
				_ = kept
			case "drops a tag":
				if err == nil && len(dst.Metrics) > 4 {
					dst.Metrics[4].TagEnd--
				}
			}
			return err
		}}
	}
	return e
}

// lab runs a command line and returns what it printed.
func command(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return out.String(), err
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}} {
		out, err := command(t, args...)
		require.NoError(t, err)
		for _, name := range []string{"compare", "report", "gate"} {
			assert.Contains(t, out, "  "+name)
		}
		assert.NotContains(t, out, "slice")
	}
	for name, mentions := range map[string][]string{
		"compare": {"-engines", "-base", "-payload file", "-quick", "-full", "-rounds", "-out folder"},
		"gate":    {"-base ref", "-engines", "-payloads", "-tolerance percent", "(default 150)"},
		"report":  {"report <folder>"},
	} {
		out, err := command(t, name, "--help")
		assert.ErrorIs(t, err, flag.ErrHelp, name)
		for _, m := range mentions {
			assert.Contains(t, out, m, name)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	for line, complaint := range map[string]string{
		"":                                    "no command",
		"bench":                               `no command "bench"; there are compare, report, gate`,
		"compare --nosuch":                    "flag provided but not defined: -nosuch",
		"compare extra":                       "1 arguments besides flags; 0 expected",
		"report":                              "0 arguments besides flags; 1 expected",
		"compare --engines=fast":              `no JSON engine "fast"; there are custom, naive, fastjson, sonic, go-json, std, json-v2`,
		"compare --engines=std,std":           "engine std is named twice",
		"compare --engines=std --base=custom": "the base custom is not among the engines measured: std",
		"compare --payloads=two":              `no payload "two"; there are one, full,`,
		"compare --levels=disk":               `no level "disk"; there are decode, handler, service`,
		"compare --payload=/no/such":          "cannot read the payload",
		"compare --payload=x --payloads=one":  "exclude each other",
		"compare --quick --full":              "exclude each other",
		"compare --rounds=9":                  "9 rounds cannot decide 21 comparisons; at least 10",
		"gate":                                "--base=<git ref>",
		"gate --base=x --rounds=5":            "5 rounds cannot decide 6 comparisons; at least 10",
		"gate --base=x --engines=none":        `no JSON engine "none"`,
		"gate --base=x --payloads=none":       `no payload "none"`,
		"gate --base=no-such-ref":             `no revision "no-such-ref"`,
		"gate --nosuch":                       "flag provided but not defined",
	} {
		_, err := command(t, strings.Fields(line)...)
		assert.ErrorIs(t, err, errUsage, line)
		assert.ErrorContains(t, err, complaint, line)
	}
	_, err := command(t, "report", t.TempDir())
	assert.ErrorContains(t, err, "cannot read what was measured")
}
