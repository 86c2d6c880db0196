package enginetest

import (
	"bytes"
	"math/rand/v2"
	"strconv"

	"metricstream/pkg/metric"
)

// Kind is how a Generator made a body.
type Kind int

// The kinds of bodies.
const (
	Valid   Kind = iota // accepted
	Faulty              // well-formed, with a metric that breaks a rule
	Mutated             // a valid body with bytes changed, removed, doubled or put in: mostly broken, not always
	Damaged             // a valid body with one fault of grammar in it
	Kinds               // how many there are
)

// String returns the kind's name.
func (k Kind) String() string {
	return [...]string{"valid", "faulty", "mutated", "damaged"}[k]
}

// Want returns the verdict that bodies of the kind deserve, and Broken for mutated ones, of which nobody knows.
func (k Kind) Want() Verdict {
	return [...]Verdict{Accept, Schema, Broken, Syntax}[k]
}

// Generator makes random bodies, the same ones for the same seed. It allocates nothing for a body in steady state,
// so that hundreds of millions can be had.
type Generator struct {
	random *rand.Rand
	kind   Kind
	body   []byte
	spare  []byte
	names  int // names given so far in this body: each is another

	good, strings, bad []fragment
}

// NewGenerator returns a Generator.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{random: rand.New(rand.NewPCG(seed, 0x6d6574726963))}
	for _, f := range fragments() {
		switch {
		case !f.good:
			g.bad = append(g.bad, f)
		case f.text[0] == '"':
			g.strings = append(g.strings, f)
		default:
			g.good = append(g.good, f)
		}
	}
	return g
}

// Kind returns how the last body was made.
func (g *Generator) Kind() Kind { return g.kind }

// Next returns a body, which is valid until the next call.
func (g *Generator) Next() []byte {
	g.kind = [10]Kind{Valid, Valid, Valid, Valid, Faulty, Faulty, Mutated, Mutated, Mutated, Damaged}[g.random.IntN(10)]
	g.body, g.names = g.body[:0], 0
	damage := -1
	if g.kind == Damaged {
		damage = g.random.IntN(8)
	}
	g.envelope(damage)
	switch {
	case damage > 5:
		g.body = bytes.TrimRight(g.body, " \t\r\n")
		g.body = g.body[:g.random.IntN(len(g.body))]
	case damage == 5:
		g.body = append(g.body, g.good[g.random.IntN(len(g.good))].text...)
	case g.kind == Mutated:
		for range 1 + g.random.IntN(3) {
			g.mutate()
		}
	}
	return g.body
}

// one reports true once in n times.
func (g *Generator) one(n int) bool { return g.random.IntN(n) == 0 }

func (g *Generator) text(s string) { g.body = append(g.body, s...) }

func (g *Generator) space() {
	if g.one(6) {
		n := g.random.IntN(20)
		g.text(spaces[n : n+1+g.random.IntN(4)])
	}
}

// envelope writes a body. Damage 0 to 2 is a bad value, 3 and 4 a repeated name; others are not its concern.
func (g *Generator) envelope(damage int) {
	g.space()
	g.text(`{`)
	if g.one(3) {
		g.unknown()
		g.text(`,`)
	}
	g.space()
	g.text(`"metrics"`)
	g.space()
	g.text(`:`)
	g.space()
	g.text(`[`)
	n := 1 + g.random.IntN(3)
	if g.one(20) {
		n = 1 + g.random.IntN(40)
	}
	special := -1
	if g.kind == Faulty || damage >= 0 && damage < 5 {
		special = g.random.IntN(n)
	}
	for i := range n {
		if i > 0 {
			g.text(`,`)
		}
		g.space()
		switch {
		case i != special:
			g.metric(-1, -1)
		case g.kind == Faulty:
			g.metric(g.random.IntN(faults), -1)
		default:
			g.metric(-1, damage)
		}
		g.space()
	}
	g.text(`]`)
	if g.one(3) {
		g.text(`,`)
		g.unknown()
	}
	g.text(`}`)
	g.space()
}

// The faults of a metric; the numbers below 5 are the members' own.
const (
	faultName = iota
	faultValue
	faultType
	faultTime
	faultTags
	faultMissing
	faultElement
	faults
)

// metric writes a metric, with a fault of its fields or with damage where these are not negative.
func (g *Generator) metric(fault, damage int) {
	if fault == faultElement {
		g.text([...]string{`null`, `0`, `"m"`, `[]`, `{}`, `true`, `[{}]`}[g.random.IntN(7)])
		return
	}
	missing := -1
	if fault == faultMissing {
		missing = g.random.IntN(3)
	}
	var order [7]int
	for i := range order {
		j := g.random.IntN(i + 1)
		order[i], order[j] = order[j], i
	}
	if g.one(2) {
		order = [7]int{0, 1, 2, 3, 4, 5, 6}
	}
	kind := [...]string{"gauge", "counter", "histogram", "summary"}[g.random.IntN(4)]
	start := len(g.body)
	for _, member := range order {
		if member == missing || member >= 3 && member != fault && g.one(2) && (member < 5 || damage < 0) {
			continue
		}
		if len(g.body) == start {
			g.text(`{`)
		} else {
			g.text(`,`)
		}
		g.space()
		g.member(member, kind, fault == member, damage)
		g.space()
	}
	g.text(`}`)
}

func (g *Generator) member(member int, kind string, wrong bool, damage int) {
	if member < 5 {
		g.text([...]string{`"name"`, `"value"`, `"type"`, `"timestamp"`, `"tags"`}[member])
		g.space()
		g.text(`:`)
		g.space()
	}
	pick := func(texts ...string) { g.text(texts[g.random.IntN(len(texts))]) }
	switch {
	case member == faultName && wrong:
		pick(`""`, `"9"`, `null`, `1`, `"a b"`, `"\u0000"`, `{}`, `["m"]`, `"é"`, `true`)
	case member == faultName:
		g.text(`"`)
		g.text(letters[:1+g.random.IntN(70)])
		g.text(`"`)
	case member == faultValue && wrong:
		pick(`"1"`, `1e999`, `-1e400`, `null`, `[]`, `{"a":1}`, `true`, `""`)
	case member == faultValue:
		g.number(kind)
	case member == faultType && wrong:
		pick(`"Gauge"`, `""`, `null`, `0`, `"gauge "`, `[]`, `"count"`, `"gaugegauge"`, `"\u0000"`)
	case member == faultType:
		g.text(`"`)
		g.text(kind)
		g.text(`"`)
	case member == faultTime && wrong:
		pick(`""`, `-1`, `1.5`, `1e3`, `"2025-02-29T00:00:00Z"`, `"2025-09-17 13:45:23Z"`, `true`, `[]`, `{}`, `99999999999999999999`, `"2263-01-01T00:00:00Z"`, `"1969-12-31T23:59:59.999Z"`, `"now"`)
	case member == faultTime:
		g.time()
	case member == faultTags && wrong:
		pick(`[]`, `""`, `0`, `true`, `{"a":null}`, `{"a":1}`, `{"":""}`, `{"9":"x"}`, `{"a":"b","c":{}}`, `{"a:b":""}`, `[{"a":"b"}]`)
	case member == faultTags:
		g.tags()
	case damage == 3 || damage == 4: // twice the same name, the second time escaped or not
		g.text([...]string{`"twice":0,"twice":1`, `"twice":[],"\u0074wice":{}`, `"tw\u0069ce":"","twice":null`, `"":0,"":0`}[g.random.IntN(4)])
	case damage >= 0 && damage < 3:
		g.name()
		g.text(`:`)
		if damage > 0 {
			g.text([...]string{`[0,`, `{"a":`, `[[`, `{"":{"b":`}[g.random.IntN(4)])
		}
		g.text(g.bad[g.random.IntN(len(g.bad))].text)
		g.text(`,0`)
	default:
		g.unknown()
	}
}

// number writes a finite number, not below zero for a counter.
func (g *Generator) number(kind string) {
	start := len(g.body)
	g.body = appendNumber(g.body, g.random, [...]int{0, 1, 2, 5, 5, 6, 6, 7, 7, 5}[g.random.IntN(10)])
	if kind == "counter" && g.body[start] == '-' {
		g.body[start] = '0' + byte(g.random.IntN(10))
		if g.body[start] == '0' || g.body[start+1] == '0' { // nor with a leading zero, nor with another digit that makes it infinite
			g.body = append(g.body[:start], '0')
		}
		if exponent := bytes.IndexByte(g.body[start:], 'e'); exponent > 0 {
			g.body = g.body[:start+exponent]
		}
	}
}

func (g *Generator) time() {
	two := func(n int) {
		g.body = append(g.body, '0'+byte(n/10), '0'+byte(n%10))
	}
	switch g.random.IntN(4) {
	case 0:
		g.text(`null`)
	case 1:
		g.body = strconv.AppendInt(g.body, g.random.Int64N(9223372036855), 10)
	default:
		g.text(`"`)
		g.body = strconv.AppendInt(g.body, int64(1971+g.random.IntN(290)), 10)
		g.text(`-`)
		two(1 + g.random.IntN(12))
		g.text(`-`)
		two(1 + g.random.IntN(28))
		g.text([...]string{`T`, `t`, `T`}[g.random.IntN(3)])
		two(g.random.IntN(24))
		g.text(`:`)
		two(g.random.IntN(60))
		g.text(`:`)
		two(g.random.IntN(60))
		if g.one(2) {
			g.text(`.`)
			for range 1 + g.random.IntN(9) {
				g.body = append(g.body, '0'+byte(g.random.IntN(10)))
			}
		}
		if g.one(2) {
			g.text(`Z"`)
			return
		}
		g.text([...]string{`+`, `-`}[g.random.IntN(2)])
		two(g.random.IntN(24))
		g.text(`:`)
		two(g.random.IntN(60))
		g.text(`"`)
	}
}

func (g *Generator) tags() {
	if g.one(8) {
		g.text([...]string{`null`, `{}`, `{ }`}[g.random.IntN(3)])
		return
	}
	n := 1 + g.random.IntN(5)
	if g.one(20) {
		n = metric.MaxTags
	}
	step := [...]int{1, 3, 5, 7, 11, 13, 17, 19}[g.random.IntN(8)] // odd, so that 32 steps make 32 keys
	at := g.random.IntN(metric.MaxTags)
	for i := range n {
		g.text([...]string{`{`, `,`}[min(i, 1)])
		g.space()
		g.text(`"`)
		at = (at + step) % metric.MaxTags
		g.text(letters[at%26 : at%26+1+at%3])
		g.body = strconv.AppendInt(g.body, int64(at), 10)
		g.text(`"`)
		g.space()
		g.text(`:`)
		g.string()
	}
	g.text(`}`)
}

// string writes a string of at most a few hundred bytes.
func (g *Generator) string() {
	g.text(`"`)
	g.text(letters[:g.random.IntN(len(letters))&(1<<g.random.IntN(8)-1)])
	for range g.random.IntN(4) {
		f := &g.strings[g.random.IntN(len(g.strings))]
		g.text(f.text[1 : len(f.text)-1])
	}
	g.text(`"`)
}

// name writes a name that is in this body but once.
func (g *Generator) name() {
	g.text(`"`)
	if g.one(8) {
		f := &g.strings[g.random.IntN(len(g.strings))]
		g.text(f.text[1 : len(f.text)-1])
	}
	g.text(letters[:1+g.random.IntN(40)])
	g.text([...]string{`#`, `\u0023`, `é#`, `.#`}[g.random.IntN(4)])
	g.body = strconv.AppendInt(g.body, int64(g.names), 10)
	g.names++
	g.text(`"`)
}

// unknown writes a member that is ignored.
func (g *Generator) unknown() {
	g.space()
	g.name()
	g.space()
	g.text(`:`)
	g.space()
	g.value(4)
	g.space()
}

// value writes any value, whose nesting stays well below the limit.
func (g *Generator) value(deep int) {
	kind := g.random.IntN(6)
	if deep == 0 {
		kind = 5
	}
	switch kind {
	case 0:
		g.text(`[`)
		g.value(deep - 1)
		for range g.random.IntN(3) {
			g.text(`,`)
			g.value(deep - 1)
		}
		g.text(`]`)
	case 1:
		g.text(`{"a":`)
		g.value(deep - 1)
		for range g.random.IntN(3) {
			g.text(`,"a":`)
			g.space()
			g.value(deep - 1)
		}
		g.text(`}`)
	case 2, 3:
		g.string()
	default:
		g.text(g.good[g.random.IntN(len(g.good))].text)
	}
}

// mutate edits the body at random.
func (g *Generator) mutate() {
	const interesting = "\"\"\\\\{}[]::,,0123456789.eE+-untfalse \t\r\n\x00\x1f\x7f\x80\xbf\xc3\xe0\xed\xf0\xf4\xff/u"
	if len(g.body) == 0 {
		return
	}
	at := g.random.IntN(len(g.body))
	end := min(len(g.body), at+1+g.random.IntN(1<<g.random.IntN(6)))
	c := interesting[g.random.IntN(len(interesting))]
	switch g.random.IntN(8) {
	case 0, 1:
		g.body[at] = c
	case 2:
		g.body[at] ^= 1 << g.random.IntN(8)
	case 3:
		g.body = append(g.body[:at], g.body[end:]...)
	case 4: // double a piece, or put it elsewhere
		g.spare = append(g.spare[:0], g.body[at:end]...)
		g.insert(g.random.IntN(len(g.body)), g.spare)
	case 5:
		g.spare = append(g.spare[:0], c)
		g.insert(at, g.spare)
	case 6:
		g.spare = append(g.spare[:0], g.bad[g.random.IntN(len(g.bad))].text...)
		g.insert(at, g.spare)
	default:
		g.spare = append(g.spare[:0], g.strings[g.random.IntN(len(g.strings))].text...)
		g.insert(at, g.spare)
	}
}

func (g *Generator) insert(at int, text []byte) {
	g.body = append(g.body, text...)
	copy(g.body[at+len(text):], g.body[at:])
	copy(g.body[at:], text)
}
