package enginetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines/naive"
	"metricstream/pkg/metric"
)

const naiveMaxAlloc = 256 << 20

func TestRunPassesAnHonestDecoder(t *testing.T) {
	Run(t, func() metric.Decoder { return naive.New() }, naiveMaxAlloc)
}

// saboteur is an honest decoder but for what its functions do.
type saboteur struct {
	honest naive.Decoder
	before func(body []byte) []byte
	after  func(dst *metric.Batch, body []byte, err error) error
}

func (s *saboteur) Decode(dst *metric.Batch, body []byte) error {
	text := body
	if s.before != nil {
		text = s.before(bytes.Clone(body))
	}
	err := s.honest.Decode(dst, text)
	if s.after != nil {
		err = s.after(dst, body, err)
	}
	return err
}

// recorder is a require.TestingT that notes failures.
type recorder struct{ reports []string }

type stopped struct{}

func (r *recorder) Errorf(format string, args ...any) {
	r.reports = append(r.reports, fmt.Sprintf(format, args...))
}

func (r *recorder) FailNow() { panic(stopped{}) }

// reports returns what a part of the suite reports of a decoder.
func reports(d metric.Decoder, part func(require.TestingT, *Observer)) []string {
	r := &recorder{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != (stopped{}) {
				panic(p)
			}
		}()
		part(r, NewObserver(d))
	}()
	return r.reports
}

func onSyntax(change func(*metric.SyntaxError)) func(*metric.Batch, []byte, error) error {
	return func(_ *metric.Batch, _ []byte, err error) error {
		var e *metric.SyntaxError
		if errors.As(err, &e) {
			change(e)
		}
		return err
	}
}

func onInvalid(change func(*metric.InvalidError)) func(*metric.Batch, []byte, error) error {
	return func(_ *metric.Batch, _ []byte, err error) error {
		var e *metric.InvalidError
		if errors.As(err, &e) {
			change(e)
		}
		return err
	}
}

func replace(old, new string) func([]byte) []byte {
	return func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(new)) }
}

// Each fault is one that an engine could have, and some engines do.
func TestSuiteFinds(t *testing.T) {
	type check = func(require.TestingT, *Observer)
	var kept []byte
	for _, c := range []struct {
		name  string
		fault saboteur
		parts []check
	}{
		{"invalid UTF-8 let through", saboteur{before: func(b []byte) []byte { return bytes.ToValidUTF8(b, []byte("?")) }}, []check{checkTables, checkPlacements, checkPaddings, checkLengths}},
		{"a control character missed at one place of 64", saboteur{before: func(b []byte) []byte {
			for i := 40; i < len(b); i += 64 {
				if b[i] < ' ' && b[i] != '\n' && b[i] != '\t' && b[i] != '\r' {
					b[i] = 'x'
				}
			}
			return b
		}}, []check{checkPaddings, checkLengths}},
		{"names matched whatever their case", saboteur{before: replace("Name", "name")}, []check{checkTables}},
		{"names compared before unescaping", saboteur{before: replace(`\u006eame`, "other")}, []check{checkTables}},
		{"trailing NUL let through", saboteur{before: func(b []byte) []byte { return bytes.TrimRight(b, "\x00") }}, []check{checkTables}},
		{"byte order mark let through", saboteur{before: func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }}, []check{checkTables}},
		{"vertical tab taken for white space", saboteur{before: replace("\v", " ")}, []check{checkTables, checkPlacements, checkPaddings}},
		{"lone surrogate replaced", saboteur{before: replace(`\udead`, `\ufffd`)}, []check{checkPlacements, checkLengths}},
		{"leading plus let through", saboteur{before: replace(`:+`, `:`)}, []check{checkPlacements, checkPaddings}},
		{"body closed when it ends early", saboteur{before: func(b []byte) []byte {
			if bytes.HasSuffix(b, []byte("}]")) {
				b = append(b, '}')
			}
			return b
		}}, []check{checkTruncated}},
		{"time of an earlier metric", saboteur{after: func(dst *metric.Batch, _ []byte, err error) error {
			for i := range dst.Metrics {
				if dst.Metrics[i].Time == metric.NoTime {
					dst.Metrics[i].Time = 7
				}
			}
			return err
		}}, []check{checkTables, checkGhosts, checkBorrowing}},
		{"17th metric lost", saboteur{after: func(dst *metric.Batch, _ []byte, err error) error {
			if len(dst.Metrics) == 17 {
				dst.Truncate(16, int(dst.Metrics[16].TagStart))
			}
			return err
		}}, []check{checkSizes}},
		{"the last body decoded again", saboteur{before: func(b []byte) []byte {
			b, kept = bytes.Clone(kept), b
			return b
		}}, []check{checkGhosts, checkBorrowing}},
		{"a number off by its last bit", saboteur{after: func(dst *metric.Batch, _ []byte, err error) error {
			for i := range dst.Metrics {
				if v := dst.Metrics[i].Value; v > 1e300 && v < 1e301 {
					dst.Metrics[i].Value = v * (1 + 1e-15)
				}
			}
			return err
		}}, []check{checkNumbers}},
		{"large numbers refused", saboteur{after: func(dst *metric.Batch, _ []byte, err error) error {
			for i := range dst.Metrics {
				if dst.Metrics[i].Value > 1e300 {
					return metric.ErrSchema
				}
			}
			return err
		}}, []check{checkNumbers, checkPlacements}},
		{"body changed", saboteur{after: func(_ *metric.Batch, body []byte, err error) error {
			if len(body) > 0 {
				body[0] ^= 1
			}
			return err
		}}, []check{checkTables, checkSizes}},
		{"error of no class", saboteur{after: func(_ *metric.Batch, _ []byte, err error) error {
			if err != nil {
				err = errors.New("no")
			}
			return err
		}}, []check{checkTables}},
		{"offset beyond the body", saboteur{after: onSyntax(func(e *metric.SyntaxError) { e.Offset += 10_000 })}, []check{checkPlacements}},
		{"offset below zero", saboteur{after: onSyntax(func(e *metric.SyntaxError) { e.Offset = -1 })}, []check{checkPlacements}},
		{"syntax error without a detail", saboteur{after: onSyntax(func(e *metric.SyntaxError) { e.Detail = "" })}, []check{checkTables}},
		{"limit error within the limit", saboteur{after: func(_ *metric.Batch, _ []byte, err error) error {
			if errors.Is(err, metric.ErrLimit) {
				return &metric.LimitError{Metrics: metric.MaxMetrics}
			}
			return err
		}}, []check{checkTables}},
		{"empty list of errors", saboteur{after: onInvalid(func(e *metric.InvalidError) { e.Fields = nil })}, []check{checkTables}},
		{"too long a list of errors", saboteur{after: onInvalid(func(e *metric.InvalidError) { e.Fields = make([]metric.FieldError, metric.MaxFieldErrors+1) })}, []check{checkTables}},
		{"field error without a detail", saboteur{after: onInvalid(func(e *metric.InvalidError) { e.Fields[0].Detail = "" })}, []check{checkTables}},
		{"wrong index", saboteur{after: onInvalid(func(e *metric.InvalidError) { e.Fields[0].Index++ })}, []check{checkTables}},
		{"wrong number of rejected metrics", saboteur{after: onInvalid(func(e *metric.InvalidError) { e.Rejected++ })}, []check{checkTables}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, part := range c.parts {
				d := c.fault
				found := reports(&d, part)
				assert.NotEmptyf(t, found, "part %d of this test's list", i)
				assert.LessOrEqual(t, len(found), max(maxReports, len(representative())*3))
			}
		})
	}
}

func TestHostileBodiesHoldMemoryDown(t *testing.T) {
	found := reports(naive.New(), func(t require.TestingT, o *Observer) { checkHostile(t, o, 1<<10) })
	require.Len(t, found, maxReports)
	assert.Contains(t, found[0], "want at most")
}

func TestDiff(t *testing.T) {
	base := func() *Outcome {
		return &Outcome{Verdict: Schema, Lines: []byte("l"), Fields: []metric.FieldError{{Field: "name", Detail: "d"}}, Rejected: 1}
	}
	assert.Empty(t, Diff(base(), base()))
	for _, change := range []func(*Outcome){
		func(o *Outcome) { o.Verdict = Accept },
		func(o *Outcome) { o.Lines = []byte("m") },
		func(o *Outcome) { o.Fields[0].Detail = "other words" },
		func(o *Outcome) { o.Rejected = 2 },
	} {
		other := base()
		change(other)
		assert.NotEmpty(t, Diff(base(), other))
	}
}

// The numbers are those of the package's documentation.
func TestSizeOfTheSuite(t *testing.T) {
	count := func(cases func(func(*Case) bool)) (n int, rules map[string]bool) {
		rules = map[string]bool{}
		cases(func(c *Case) bool {
			n++
			rules[c.Rule] = true
			require.NotEmpty(t, c.Rule)
			require.NotEqual(t, Broken, c.Want)
			return true
		})
		return n, rules
	}
	tables, rules := count(Tables)
	placed, more := count(Placements)
	for rule := range more {
		rules[rule] = true
	}
	padded, _ := count(paddings)
	long, _ := count(lengths)
	t.Logf("%d table cases, %d placed, %d padded, %d long, for %d rules", tables, placed, padded, long, len(rules))
	assert.Greater(t, tables, 5000)
	assert.Greater(t, placed, 40_000)
	assert.Greater(t, padded*stride, 120_000)
	assert.Greater(t, long*stride, 55_000)
	assert.Greater(t, len(rules), 30)
}

// All the enumerations stop when they are told to.
func TestEnumerationsStop(t *testing.T) {
	for _, cases := range []func(func(*Case) bool){Tables, Placements, paddings, lengths} {
		n := 0
		cases(func(*Case) bool {
			n++
			return n < 5
		})
		assert.Equal(t, 5, n)
	}
}
