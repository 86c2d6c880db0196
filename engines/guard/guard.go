// Package guard checks a request body for what JSON libraries leave out: the service's whole grammar
// (RFC 8259 with the strictness of RFC 7493), its depth, its number of metrics, and repeated member names.
// It is written once for all libraries. Nothing in it recurses with the input, and nothing allocates in steady state.
package guard

import (
	"strings"

	"metricstream/pkg/metric"
)

// Guard checks bodies, one after another. The zero Guard is ready; it is not safe for concurrent use.
type Guard struct {
	body    []byte
	scopes  [3]NameSet // unknown names of the envelope, the metric and its tags that are open
	scratch []byte     // unescaped names
	folds   []span     // names that merely fold to a known one
	masked  []byte     // the copy that Exact returned
	metrics int
	syntax  metric.SyntaxError
	limit   metric.LimitError
}

type span struct{ start, end int }

// The objects whose members the service looks at, by depth.
type scope uint8

const (
	envelope scope = iota
	metricObject
	tagsObject
)

var depthOf = [...]int{envelope: 1, metricObject: 3, tagsObject: 4}

// keptBytes is how large a buffer may have grown and still be kept for the next body.
const keptBytes = 64 << 10

// Check returns nil when body keeps the service's grammar and holds at most metric.MaxMetrics metrics,
// else a *metric.SyntaxError or a *metric.LimitError that is valid until the next Check.
func (g *Guard) Check(body []byte) error {
	g.reset(body)
	end, fault := g.document()
	g.body = nil
	if fault != 0 {
		g.syntax = metric.SyntaxError{Offset: end, Detail: fault.String()}
		return &g.syntax
	}
	if g.metrics > metric.MaxMetrics {
		g.limit.Metrics = g.metrics
		return &g.limit
	}
	return nil
}

func (g *Guard) reset(body []byte) {
	g.body = body
	g.metrics = 0
	g.folds = g.folds[:0]
	g.scratch = g.scratch[:0]
	if cap(g.scratch) > keptBytes {
		g.scratch = nil
	}
	if cap(g.masked) > keptBytes {
		g.masked = nil
	}
	for i := range g.scopes { // a refused body left them as they were
		g.scopes[i].Reset()
	}
}

func (g *Guard) document() (int, Fault) {
	b := g.body
	i := SkipSpace(b, 0)
	var fault Fault
	if i < len(b) && b[i] == '{' {
		i, fault = g.object(i, envelope)
	} else {
		i, fault = SkipValue(b, i, 1)
	}
	if fault != 0 {
		return i, fault
	}
	if i = SkipSpace(b, i); i < len(b) {
		return i, FaultTrailing
	}
	return i, 0
}

// object checks the object that opens at b[i], and returns the index after it. It calls itself for a metric
// inside the envelope and for tags inside a metric: three levels at most.
func (g *Guard) object(i int, in scope) (int, Fault) {
	b := g.body
	var fault Fault
	i = SkipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, 0
	}
	var seen uint8
	for {
		if i >= len(b) || b[i] != '"' {
			return i, FaultName
		}
		start := i
		var name string
		if name, i, fault = g.name(i + 1); fault != 0 {
			return i, fault
		}
		known := knownName(name, in)
		if known != 0 && seen&known != 0 || known == 0 && !g.scopes[in].Add(name) {
			return start, FaultRepeated
		}
		seen |= known
		if known == 0 && in != tagsObject && folds(name) {
			g.folds = append(g.folds, span{start + 1, i - 1})
		}
		if i, fault = SkipColon(b, i); fault != 0 {
			return i, fault
		}
		switch {
		case known == nameMetrics && i < len(b) && b[i] == '[':
			i, fault = g.metricsArray(i)
		case known == nameTags && i < len(b) && b[i] == '{':
			i, fault = g.object(i, tagsObject)
		default:
			i, fault = SkipValue(b, i, depthOf[in]+1)
		}
		if fault != 0 {
			return i, fault
		}
		i = SkipSpace(b, i)
		if i >= len(b) || b[i] != ',' && b[i] != '}' {
			return i, FaultObjectEnd
		}
		if b[i] == '}' {
			g.scopes[in].Reset()
			return i + 1, 0
		}
		i = SkipSpace(b, i+1)
	}
}

func (g *Guard) metricsArray(i int) (int, Fault) {
	b := g.body
	var fault Fault
	i = SkipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, 0
	}
	for {
		g.metrics++
		if i < len(b) && b[i] == '{' {
			i, fault = g.object(i, metricObject)
		} else {
			i, fault = SkipValue(b, i, depthOf[metricObject])
		}
		if fault != 0 {
			return i, fault
		}
		i = SkipSpace(b, i)
		if i >= len(b) || b[i] != ',' && b[i] != ']' {
			return i, FaultArrayEnd
		}
		if b[i] == ']' {
			return i + 1, 0
		}
		i = SkipSpace(b, i+1)
	}
}

// name returns the member name whose opening quote is at b[i-1]: borrowed from the body, or from the scratch
// when it has escapes. The scratch only grows by appending, so that names in it stay as they are.
func (g *Guard) name(i int) (_ string, next int, _ Fault) {
	b := g.body
	next, fault := SkipString(b, i)
	if fault != 0 {
		return "", next, fault
	}
	raw := b[i : next-1]
	if !hasEscape(raw) {
		return Borrow(raw), next, 0
	}
	from := len(g.scratch)
	g.scratch, _, _ = AppendString(g.scratch, b[:next], i)
	return Borrow(g.scratch[from:]), next, 0
}

func hasEscape(raw []byte) bool {
	for _, c := range raw {
		if c == '\\' {
			return true
		}
	}
	return false
}

// The names that the service knows, as bits.
const (
	nameMetrics uint8 = 1 << iota
	nameName
	nameValue
	nameType
	nameTimestamp
	nameTags
)

// knownName returns the bit of a name that the service knows in an object of that scope, or zero.
func knownName(s string, in scope) uint8 {
	switch in {
	case envelope:
		if s == "metrics" {
			return nameMetrics
		}
	case metricObject:
		switch s {
		case "name":
			return nameName
		case "value":
			return nameValue
		case "type":
			return nameType
		case "timestamp":
			return nameTimestamp
		case "tags":
			return nameTags
		}
	}
	return 0
}

// folds reports whether a library that ignores case could take s for a name that the service knows.
// In Unicode, s also folds to U+017F, of two bytes, hence the lengths.
func folds(s string) bool {
	if len(s) < len("name") || len(s) > len("timestamp")+1 {
		return false
	}
	for _, known := range [...]string{"metrics", "name", "value", "type", "timestamp", "tags"} {
		if strings.EqualFold(s, known) {
			return true
		}
	}
	return false
}

// Exact returns what a library that ignores the case of names may decode in place of body, which the last Check
// accepted: body itself, or a copy, valid until the next Check, in which the names that merely fold to a known one
// are overwritten with underscores. Lengths, and with them offsets, stay.
func (g *Guard) Exact(body []byte) []byte {
	if len(g.folds) == 0 {
		return body
	}
	g.masked = append(g.masked[:0], body...)
	for _, s := range g.folds {
		for i := s.start; i < s.end; i++ {
			g.masked[i] = '_'
		}
	}
	return g.masked
}

// Depth returns a *metric.SyntaxError when the brackets of body nest deeper than the service accepts. Of the rest
// of the grammar it looks only at where strings end, for libraries that check everything else themselves.
func Depth(body []byte) error {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			if depth++; depth > metric.MaxDepth {
				return &metric.SyntaxError{Offset: i, Detail: FaultDepth.String()}
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		}
	}
	return nil
}
