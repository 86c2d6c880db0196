// Package benchmarks holds what the A/B lab measures: the payloads, generated from a fixed seed, and the measured
// operations at each level. The operations run the production code; there is no copy of it here.
package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"metricstream/pkg/metric"
)

// Payload is a set of bodies that are measured in turn.
type Payload struct {
	Name        string
	Description string
	Bodies      [][]byte
	Accepted    int // bodies that keep the contract; for the others what is measured is the cost of saying no
	Metrics     int // in the accepted bodies together
}

// Bytes returns the size of all bodies together.
func (p Payload) Bytes() int {
	n := 0
	for _, b := range p.Bodies {
		n += len(b)
	}
	return n
}

// CurlBody is the body of the README's first example.
const CurlBody = `{"metrics":[{"name":"cpu_usage","value":75.5,"type":"gauge"}]}`

// Payloads returns the lab's own payloads, the same on every machine.
func Payloads() []Payload {
	return []Payload{
		single("one", "one metric with its required members: the README's curl body", 1, func(*generator) string { return CurlBody }),
		single("full", "one metric with every member", 1, func(g *generator) string { return g.body(1, full) }),
		single("batch10", "10 metrics", 10, func(g *generator) string { return g.body(10, compact) }),
		single("batch100", "100 metrics", 100, func(g *generator) string { return g.body(100, compact) }),
		single("batch1000", "1,000 metrics", 1000, func(g *generator) string { return g.body(1000, compact) }),
		rotating(),
		single("tags", "20 metrics with 20 tags each", 20, func(g *generator) string { return g.body(20, style{tags: 20}) }),
		single("escapes", "100 metrics whose tag values are full of escapes and characters beyond ASCII", 100, func(g *generator) string { return g.body(100, style{tags: 3, escapes: true}) }),
		single("indented", "100 metrics, indented by two spaces, a member a line", 100, indented),
		single("shuffled", "100 metrics, the members of each in another order", 100, func(g *generator) string { return g.body(100, style{tags: 2, shuffled: true}) }),
		single("unknown", "50 metrics with members that the service ignores, nested ones too", 50, func(g *generator) string { return g.body(50, style{tags: 2, unknown: true}) }),
		single("numbers", "100 metrics, numbers of every form: integers, long fractions, exponents, extremes", 100, func(g *generator) string { return g.body(100, style{numbers: true}) }),
		large(),
		rejected(),
	}
}

// style says how a generated metric looks.
type style struct {
	tags     int
	escapes  bool
	shuffled bool
	unknown  bool
	numbers  bool
}

var (
	compact = style{tags: 2}
	full    = style{tags: 3}
)

// single makes a payload of one body. Each has a generator of its own, so that a new payload changes no other.
func single(name, description string, metrics int, body func(*generator) string) Payload {
	return Payload{Name: name, Description: description, Bodies: [][]byte{[]byte(body(newGenerator(name)))}, Accepted: 1, Metrics: metrics}
}

func rotating() Payload {
	const rotation = 256
	g := newGenerator("rotating")
	p := Payload{Name: "rotating", Accepted: rotation, Description: "256 different bodies of 1 to 20 metrics in turn, so that the branch predictor cannot learn one"}
	for range rotation {
		n := 1 + g.IntN(20)
		p.Metrics += n
		p.Bodies = append(p.Bodies, []byte(g.body(n, style{tags: g.IntN(5), shuffled: g.IntN(4) == 0, unknown: g.IntN(8) == 0})))
	}
	return p
}

func large() Payload {
	g := newGenerator("large")
	const limit = 1 << 20
	var metrics []string
	size := len(`{"metrics":[]}`)
	for {
		m := g.metric(compact)
		if size += len(m) + 1; size > limit {
			break
		}
		metrics = append(metrics, m)
	}
	return Payload{Name: "large", Description: "as many metrics as fit into 1 MiB", Accepted: 1, Metrics: len(metrics),
		Bodies: [][]byte{[]byte(`{"metrics":[` + strings.Join(metrics, ",") + `]}`)}}
}

// rejected makes bodies of ten metrics, of which one has one thing wrong with it.
func rejected() Payload {
	g := newGenerator("rejected")
	p := Payload{Name: "rejected", Description: "bodies of 10 metrics that break the grammar or a rule in one place: the cost of saying no"}
	good := func() string { return g.body(10, compact) }
	replaceLast := func(body, old, new string) string {
		i := strings.LastIndex(body, old)
		return body[:i] + new + body[i+len(old):]
	}
	for range 8 {
		body := good()
		p.Bodies = append(p.Bodies,
			[]byte(body[:len(body)-1]),                                                       // the last brace is missing
			[]byte(replaceLast(body, `]`, `,]`)),                                             // a comma too many
			[]byte(replaceLast(body, `"name":"`, "\"name\":\"\x01")),                         // a control character
			[]byte(replaceLast(body, `{"host":"`, "{\"host\":\"\xff")),                       // invalid UTF-8
			[]byte(replaceLast(body, `{"host":"`, `{"host":"\ud800`)),                        // a lone surrogate
			[]byte(replaceLast(body, `"value":`, `"value":1,"value":`)),                      // a repeated member
			[]byte(replaceLast(body, `"value":`, `"value":0`)),                               // a leading zero
			[]byte(replaceLast(body, `"type":"`, `"type":"x`)),                               // an unknown type
			[]byte(replaceLast(body, `"name":"`, `"name":"9`)),                               // a bad name
			[]byte(replaceLast(body, `"value":`, `"value":null,"was":`)),                     // no value
			[]byte(replaceLast(body, `"timestamp":"2025-`, `"timestamp":"2025-13-32T00:00`)), // no time
		)
	}
	return p
}

func indented(g *generator) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(g.body(100, compact)), "", "  "); err != nil {
		panic(err) // the generator makes JSON
	}
	return b.String()
}

type generator struct{ *rand.Rand }

func newGenerator(name string) *generator {
	seed := uint64(14695981039346656037) // FNV-1a, so that every payload has its own sequence
	for i := range len(name) {
		seed = (seed ^ uint64(name[i])) * 1099511628211
	}
	return &generator{rand.New(rand.NewPCG(20250917, seed))}
}

func (g *generator) body(n int, s style) string {
	metrics := make([]string, n)
	for i := range metrics {
		metrics[i] = g.metric(s)
	}
	if s.unknown {
		return `{"schema":{"version":3,"by":["a","b",null]},"metrics":[` + strings.Join(metrics, ",") + `],"sent":true}`
	}
	return `{"metrics":[` + strings.Join(metrics, ",") + `]}`
}

var (
	metricNames = []string{"cpu_usage", "memory_used_bytes", "http_requests_total", "disk.io.read_bytes", "go:gc_pause_seconds",
		"queue_depth", "request_duration_seconds", "errors_total", "node/network_receive_bytes_total", "up"}
	tagKeys = []string{"host", "region", "service", "env", "version", "pod", "container", "namespace", "cluster", "zone",
		"instance", "job", "method", "path", "status", "device", "mountpoint", "fstype", "cpu", "mode"}
	tagValues   = []string{"eu-west-1", "production", "checkout", "GET", "/api/v1/orders", "200", "nvme0n1", "web-7d9c5b6f4-x2x7k", "a", "2.14.0-rc.3"}
	metricTypes = []string{"gauge", "counter", "histogram", "summary"}
)

func (g *generator) metric(s style) string {
	name, value, kind := metricNames[g.IntN(len(metricNames))], g.number(s), metricTypes[g.IntN(len(metricTypes))]
	if s.numbers && kind != "counter" && g.IntN(3) == 0 {
		value = "-" + value
	}
	members := []string{`"name":"` + name + `"`, `"value":` + value, `"type":"` + kind + `"`}
	at := time.Unix(1758116723+g.Int64N(86400), g.Int64N(1000)*int64(time.Millisecond)).UTC()
	members = append(members, `"timestamp":"`+at.Format("2006-01-02T15:04:05.000Z")+`"`)
	if s.tags > 0 {
		members = append(members, g.tags(s))
	}
	if s.unknown {
		members = append(members,
			`"unit":"bytes"`,
			fmt.Sprintf(`"labels":{"a":[%d,{"b":null,"c":"x\ty"}],"d":true}`, g.IntN(1000)),
			`"help":"`+strings.Repeat("what it counts, and where; ", 1+g.IntN(4))+`"`)
	}
	if s.shuffled {
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g *generator) tags(s style) string {
	var b strings.Builder
	b.WriteString(`"tags":`)
	sep := byte('{')
	for i := range s.tags {
		value := tagValues[g.IntN(len(tagValues))]
		if i == 0 {
			value = fmt.Sprintf("server%d", g.IntN(500))
		}
		if s.escapes {
			value = g.escaped()
		}
		fmt.Fprintf(&b, `%c"%s":"%s"`, sep, tagKeys[i], value)
		sep = ','
	}
	b.WriteByte('}')
	return b.String()
}

// escaped returns the inside of a JSON string in which about every fourth character is no plain one.
func (g *generator) escaped() string {
	pieces := []string{`\n`, `\"`, `\\`, `\/`, `\t`, `\u00e9`, `\u20ac`, `\ud83d\ude00`, "é", "€", "日本", "😀"}
	var b strings.Builder
	for range 4 + g.IntN(5) {
		b.WriteString("C:Program Files and so on"[:2+g.IntN(10)])
		b.WriteString(pieces[g.IntN(len(pieces))])
	}
	return b.String()
}

// number returns a JSON number that is not negative, for it may be a counter's.
func (g *generator) number(s style) string {
	if !s.numbers {
		switch g.IntN(3) {
		case 0:
			return strconv.Itoa(g.IntN(100_000))
		case 1:
			return strconv.FormatFloat(float64(g.IntN(100_000))/100, 'f', -1, 64)
		}
		return strconv.FormatFloat(g.Float64()*1000, 'f', 6, 64)
	}
	switch g.IntN(9) {
	case 0:
		return strconv.FormatUint(g.Uint64(), 10)
	case 1:
		return strconv.FormatFloat(g.Float64(), 'g', 17, 64)
	case 2:
		return strconv.FormatFloat(math.Float64frombits(g.Uint64N(0x7FF<<52)), 'e', -1, 64)
	case 3:
		return "0"
	case 4:
		return strconv.Itoa(g.IntN(100)) + "E+" + strconv.Itoa(g.IntN(20))
	case 5:
		return "0." + strings.Repeat("0", g.IntN(12)) + strconv.Itoa(1+g.IntN(1e9))
	case 6:
		return strconv.FormatInt(1<<53+g.Int64N(1000), 10)
	case 7:
		return fmt.Sprintf("%d.%02de%d", 1+g.IntN(9), g.IntN(100), g.IntN(60)-30)
	}
	return strconv.FormatFloat(g.Float64()*1e6, 'f', 3, 64)
}

// Load reads a user's own payload: a file that is one JSON document, or holds one body a line.
func Load(path string) (Payload, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Payload{}, fmt.Errorf("cannot read the payload: %w", err)
	}
	p := Payload{Name: "own", Description: "the bodies of " + filepath.Base(path)}
	if json.Valid(data) {
		p.Bodies = [][]byte{bytes.TrimSpace(data)}
	} else {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				p.Bodies = append(p.Bodies, bytes.Clone(line))
			}
		}
	}
	if len(p.Bodies) == 0 {
		return Payload{}, fmt.Errorf("cannot use the payload %s: it is empty; one body, or one body a line, is required", path)
	}
	p.count()
	return p, nil
}

// Counts has the oracle say how many metrics each body holds; -1 stands for one that it refuses.
func (p Payload) Counts() []int {
	decoder, batch := oracle(), new(metric.Batch)
	counts := make([]int, len(p.Bodies))
	for i, body := range p.Bodies {
		counts[i] = -1
		if decoder.Decode(batch, body) == nil {
			counts[i] = len(batch.Metrics)
		}
	}
	return counts
}

// count sets Accepted and Metrics to what the oracle says.
func (p *Payload) count() {
	p.Accepted, p.Metrics = 0, 0
	for _, n := range p.Counts() {
		if n >= 0 {
			p.Accepted++
			p.Metrics += n
		}
	}
}

// Good returns p with its accepted bodies alone.
func (p Payload) Good() Payload {
	good := p
	good.Bodies = nil
	for i, n := range p.Counts() {
		if n >= 0 {
			good.Bodies = append(good.Bodies, p.Bodies[i])
		}
	}
	return good
}
