package enginetest

import (
	"strconv"
	"strings"

	"metricstream/pkg/metric"
)

// placement is a place of a request where a fragment is put.
type placement struct {
	name          string
	before, after string
	field         string // what the service reads there; empty where it ignores the value
}

// What the service reads at a place that is no field of a metric.
const (
	ignored       = ""
	documentField = "document"
	elementField  = "element"
	tagField      = "tag"
	keyField      = "key"
)

// places returns the places for any value. Wherever the value is ignored, the lines are those of the plain metrics.
func places() []placement {
	return []placement{
		{"first in the envelope", `{"x":`, `,"metrics":[` + plain + `]}`, ignored},
		{"last in the envelope", `{"metrics":[` + plain + `],"x":`, `}`, ignored},
		{"first in a metric", `{"metrics":[{"x":`, `,"name":"m","value":1,"type":"gauge"}]}`, ignored},
		{"inside a metric", `{"metrics":[{"name":"m","x":`, `,"value":1,"type":"gauge"}]}`, ignored},
		{"last in a metric", `{"metrics":[{"name":"m","value":1,"type":"gauge","x":`, `}]}`, ignored},
		{"first in an ignored array", `{"x":[`, `,0],"metrics":[` + plain + `]}`, ignored},
		{"last in an ignored array", `{"metrics":[` + plain + `],"x":["a",`, `]}`, ignored},
		{"in an ignored object", `{"x":{"a":0,"b":`, `,"c":""},"metrics":[` + plain + `]}`, ignored},
		{"five deep in a metric", `{"metrics":[{"name":"m","x":[{"a":[{"b":[0,`, `]}]}],"value":1,"type":"gauge"}]}`, ignored},
		{"between tags and value", `{"metrics":[{"tags":{},"name":"m","type":"gauge","x":`, `,"value":1}]}`, ignored},
		{"spaced out", "{ \"x\" :\n\t", "\r\n, \"metrics\" : [ " + plain + " ] } ", ignored},
		{"the document", ``, ``, documentField},
		{"metrics", `{"metrics":`, `}`, "metrics"},
		{"a metric", `{"metrics":[` + plain + `,`, `]}`, elementField},
		{"name", `{"metrics":[{"name":`, `,"value":1,"type":"gauge"}]}`, "name"},
		{"value", `{"metrics":[{"name":"m","value":`, `,"type":"gauge"}]}`, "value"},
		{"value, last", `{"metrics":[{"name":"m","type":"gauge","value":`, `}]}`, "value"},
		{"type", `{"metrics":[{"name":"m","value":1,"type":`, `}]}`, "type"},
		{"timestamp", `{"metrics":[{"name":"m","timestamp":`, `,"value":1,"type":"gauge"}]}`, "timestamp"},
		{"tags", `{"metrics":[{"tags":`, `,"name":"m","value":1,"type":"gauge"}]}`, "tags"},
		{"a tag's value", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{"k":`, `}}]}`, tagField},
	}
}

// namePlaces returns the places for the text of a string as a member's name.
func namePlaces() []placement {
	return []placement{
		{"a name in the envelope", `{"metrics":[` + plain + `],`, `:0}`, ignored},
		{"a name in a metric", `{"metrics":[{`, `:0,"name":"m","value":1,"type":"gauge"}]}`, ignored},
		{"a name in an ignored object", `{"x":{"a":0,`, `:0},"metrics":[` + plain + `]}`, ignored},
		{"a tag's key", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{`, `:"v"}}]}`, keyField},
	}
}

// Placements yields every fragment at every place.
func Placements(yield func(*Case) bool) {
	var b builder
	for _, f := range fragments() {
		for _, p := range places() {
			if c := b.build(&f, &p, padNone, 0); c != nil && !yield(c) {
				return
			}
		}
		if f.text == "" || f.text[0] != '"' {
			continue
		}
		for _, p := range namePlaces() {
			if c := b.build(&f, &p, padNone, 0); c != nil && !yield(c) {
				return
			}
		}
	}
}

// maxPad is the longest padding: more than a cache line, and all that code looks at together.
const maxPad = 70

// paddings yields every fragment behind every padding, of kinds and at places that take turns.
func paddings(yield func(*Case) bool) {
	var b builder
	all := places()
	for i, f := range fragments() {
		for pad := i % stride; pad <= maxPad; pad += stride {
			kind := padSpace + padding((i+pad)%3)
			p := &all[(i*7+pad*5)%len(all)]
			if c := b.build(&f, p, kind, pad); c != nil && !yield(c) {
				return
			}
		}
	}
}

// maxLength is the longest run of plain text before what is tried in a string.
const maxLength = 130

// lengths yields every text of a string at the end of longer and longer strings, with more text behind it,
// in an ignored value, in a tag and in a name, by turns.
func lengths(yield func(*Case) bool) {
	var b builder
	all := append(namePlaces(), places()[0], places()[4], places()[8], places()[20])
	long := strings.Repeat("q", maxLength)
	for i, text := range stringTexts() {
		for n := i % (3 * stride); n <= maxLength; n += 3 * stride {
			f := fragment{rule: text.rule, good: text.good}
			f.name = strconv.Quote(text.raw) + " in a long string"
			tail := long[:(i+n)%40]
			f.text = `"` + long[:n] + text.raw + tail + `"`
			f.decoded = long[:n] + text.decoded + tail
			if c := b.build(&f, &all[(i+n)%len(all)], padNone, n); c != nil && !yield(c) {
				return
			}
		}
	}
}

type padding int

// The kinds of padding.
const (
	padNone  padding = iota
	padSpace         // white space before the fragment
	padText          // a longer string earlier in the body
	padName          // a longer name earlier in the body
)

const (
	spaces  = " \n\t\r  \t\n \r \t  \n\n \t\r\r  \t \n \r\t  \n\t \r  \n \t\t \r \n  \r\n\t  \n \t \r  \r  \n\t   \t\r \n \r\n \t\t  "
	letters = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz"
)

// builder makes cases of fragments, one after another in the same memory.
type builder struct {
	c    Case
	body []byte
}

// build returns the case of f at p, or nil where the two do not say enough together.
func (b *builder) build(f *fragment, p *placement, kind padding, pad int) *Case {
	b.c = Case{Rule: f.rule, Name: f.name, Place: p.name, Pad: pad, Want: Syntax}
	if f.good && !b.expect(f, p) {
		return nil
	}
	before := p.before
	body := b.body[:0]
	if kind > padSpace && before != "" {
		body = append(body, `{"`...)
		if kind == padName {
			body = append(body, letters[:pad]...)
			body = append(body, `_":"",`...)
		} else {
			body = append(body, `_":"`...)
			body = append(body, letters[:pad]...)
			body = append(body, `",`...)
		}
		before = before[1:]
	}
	body = append(body, before...)
	if kind == padSpace {
		body = append(body, spaces[:pad]...)
	}
	body = append(body, f.text...)
	body = append(body, p.after...)
	b.body, b.c.Body = body, body
	return &b.c
}

// expect states what the contract says of the good fragment f at p, and reports false for those few
// that other tables state.
func (b *builder) expect(f *fragment, p *placement) bool {
	c := &b.c
	text := strings.Trim(f.text, " \t\r\n")
	kind := text[0]
	number := kind == '-' || kind >= '0' && kind <= '9'
	c.Want, c.Lines = Accept, plainLine
	switch p.field {
	case ignored:
	case documentField:
		if kind == '{' {
			b.refuse(metric.Envelope, "metrics", metric.CodeRequired)
			return !strings.Contains(text, `"metrics"`) && !strings.HasPrefix(f.rule, "names may")
		}
		b.refuse(metric.Envelope, "", metric.CodeType)
	case "metrics":
		b.refuse(metric.Envelope, "metrics", metric.CodeType)
		if text == "[]" {
			b.refuse(metric.Envelope, "metrics", metric.CodeCount)
		}
		return kind != '[' || text == "[]"
	case elementField:
		b.refuse(1, "", metric.CodeType)
		c.Lines = plainLine
		return kind != '{'
	case "name":
		b.name(f, kind)
	case "value":
		if !number {
			b.refuse(0, p.field, metric.CodeType)
		} else if v, _ := strconv.ParseFloat(text, 64); !metric.ValidValue(metric.Gauge, v) {
			b.refuse(0, p.field, metric.CodeRange)
		} else {
			batch := metric.Batch{Received: received, Metrics: []metric.Metric{{Name: "m", Value: v, Type: metric.Gauge, Time: metric.NoTime}}}
			c.Lines = string(batch.AppendJSONLines(nil))
		}
	case "type":
		b.refuse(0, p.field, metric.CodeType)
		if kind == '"' {
			b.refuse(0, p.field, metric.CodePattern)
		}
	case "timestamp":
		b.timestamp(text)
	case "tags":
		if kind == '{' && text != "{}" {
			return false
		}
		if kind != '{' && kind != 'n' {
			b.refuse(0, p.field, metric.CodeType)
		}
	case tagField:
		if kind != '"' {
			b.refuse(0, "tags", metric.CodeType)
		} else {
			c.Lines = tagged("k", f.decoded)
		}
	case keyField:
		if metric.ValidTagKey(f.decoded) {
			c.Lines = tagged(f.decoded, "v")
		} else {
			code, _ := metric.TagKeyFault(f.decoded)
			b.refuse(0, "tags", code)
		}
	}
	return true
}

func (b *builder) refuse(index int, field string, code metric.Code) {
	b.c.Want, b.c.Lines, b.c.Faults = Schema, "", []Fault{{index, field, code}}
}

func (b *builder) name(f *fragment, kind byte) {
	switch {
	case kind != '"':
		b.refuse(0, "name", metric.CodeType)
	case metric.ValidName(f.decoded):
		b.c.Lines = strings.Replace(plainLine, `"m"`, `"`+f.decoded+`"`, 1)
	default:
		code, _ := metric.NameFault(f.decoded)
		b.refuse(0, "name", code)
	}
}

func (b *builder) timestamp(text string) {
	switch text[0] {
	case 'n':
	case '"':
		b.refuse(0, "timestamp", metric.CodePattern)
	case 't', 'f', '{', '[':
		b.refuse(0, "timestamp", metric.CodeType)
	default:
		ns, fault := metric.ParseMillis(text)
		if fault != 0 {
			code, _ := fault.Describe(text)
			b.refuse(0, "timestamp", code)
			return
		}
		batch := metric.Batch{Metrics: []metric.Metric{{Name: "m", Value: 1, Type: metric.Gauge, Time: ns}}}
		b.c.Lines = string(batch.AppendJSONLines(nil))
	}
}

// tagged returns the line of the plain metric with a tag.
func tagged(key, value string) string {
	line := []byte(strings.TrimSuffix(plainLine, "}\n") + `,"tags":{"` + key + `":`)
	return string(metric.AppendJSONString(line, value)) + "}}\n"
}
