package naive

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"metricstream/pkg/metric"
)

// number is a JSON number as it was spelled: the timestamp's rule is about the spelling.
type number string

// A role says what a value is in the request. Repeated names are refused in the envelope, in a metric
// and in a metric's tags, and nowhere else.
type role int

const (
	ignored role = iota
	theEnvelope
	theList
	aMetric
	theTags
)

// ofMember returns the role of the member name of an object whose role is r.
func (r role) ofMember(name string) role {
	switch {
	case r == theEnvelope && name == "metrics":
		return theList
	case r == aMetric && name == "tags":
		return theTags
	}
	return ignored
}

// ofElement returns the role of the elements of an array whose role is r.
func (r role) ofElement() role {
	if r == theList {
		return aMetric
	}
	return ignored
}

// looksAtNames reports whether an object in this role may not repeat a name.
func (r role) looksAtNames() bool { return r == theEnvelope || r == aMetric || r == theTags }

// parser is a recursive descent over the grammar of RFC 8259. A value becomes
// a map[string]any, []any, string, number, bool or nil. Recursion ends at metric.MaxDepth.
type parser struct {
	body  []byte
	pos   int
	depth int
}

// document parses the whole body.
func (p *parser) document() (any, error) {
	p.space()
	v, err := p.value(theEnvelope)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.body) {
		return nil, p.fault("text after the document")
	}
	return v, nil
}

func (p *parser) fault(detail string) error {
	return &metric.SyntaxError{Offset: p.pos, Detail: detail}
}

// peek returns the next byte, or 0, which begins nothing in JSON, at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.body) {
		return p.body[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.pos++
	}
}

func (p *parser) value(r role) (any, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.object(r)
	case c == '[':
		return p.array(r)
	case c == '"':
		return p.string()
	case c == '-' || isDigit(c):
		return p.number()
	case c == 't':
		return true, p.literal("true")
	case c == 'f':
		return false, p.literal("false")
	case c == 'n':
		return nil, p.literal("null")
	}
	return nil, p.fault("no value; an object, array, string, number, true, false or null is expected")
}

func (p *parser) literal(word string) error {
	if !strings.HasPrefix(string(p.body[p.pos:min(len(p.body), p.pos+len(word))]), word) {
		return p.fault("not the word " + word)
	}
	p.pos += len(word)
	return nil
}

// enter steps over the bracket that opens an object or array.
func (p *parser) enter() error {
	if p.depth == metric.MaxDepth {
		return p.fault(fmt.Sprintf("nesting deeper than %d", metric.MaxDepth))
	}
	p.depth++
	p.pos++
	p.space()
	return nil
}

// leave steps over the bracket that closes an object or array, if it is the next byte.
func (p *parser) leave(bracket byte) bool {
	if p.peek() != bracket {
		return false
	}
	p.depth--
	p.pos++
	return true
}

func (p *parser) object(r role) (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	members := make(map[string]any)
	if p.leave('}') {
		return members, nil
	}
	for {
		start := p.pos
		if p.peek() != '"' {
			return nil, p.fault("no member name; a string is expected")
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if _, repeated := members[name]; repeated && r.looksAtNames() {
			p.pos = start
			return nil, p.fault("repeated member " + metric.Excerpt(name))
		}
		p.space()
		if p.peek() != ':' {
			return nil, p.fault("no colon after a member name")
		}
		p.pos++
		p.space()
		if members[name], err = p.value(r.ofMember(name)); err != nil {
			return nil, err
		}
		p.space()
		if p.leave('}') {
			return members, nil
		}
		if p.peek() != ',' {
			return nil, p.fault("neither comma nor } after a member")
		}
		p.pos++
		p.space()
	}
}

func (p *parser) array(r role) (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	elements := []any{}
	if p.leave(']') {
		return elements, nil
	}
	for {
		v, err := p.value(r.ofElement())
		if err != nil {
			return nil, err
		}
		elements = append(elements, v)
		p.space()
		if p.leave(']') {
			return elements, nil
		}
		if p.peek() != ',' {
			return nil, p.fault("neither comma nor ] after an element")
		}
		p.pos++
		p.space()
	}
}

func (p *parser) number() (any, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++ // and no further digit
	} else if !p.digits() {
		return nil, p.fault("no digit in a number")
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return nil, p.fault("no digit after a decimal point")
		}
	}
	if p.peek()|0x20 == 'e' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return nil, p.fault("no digit in an exponent")
		}
	}
	return number(p.body[start:p.pos]), nil
}

// digits steps over digits and reports whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	return p.pos > start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parser) string() (string, error) {
	var text strings.Builder
	p.pos++ // the opening quote
	for p.pos < len(p.body) {
		switch c := p.body[p.pos]; {
		case c == '"':
			p.pos++
			return text.String(), nil
		case c < ' ':
			return "", p.fault("control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			text.WriteRune(r)
		default:
			r, size := utf8.DecodeRune(p.body[p.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", p.fault("invalid UTF-8")
			}
			text.WriteRune(r)
			p.pos += size
		}
	}
	return "", p.fault("string without its closing quote")
}

// escape parses a backslash and what belongs to it, a whole surrogate pair where there is one.
func (p *parser) escape() (rune, error) {
	p.pos++ // the backslash
	c := p.peek()
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.pos++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.fault("unknown escape")
	}
	start := p.pos
	r, err := p.codeUnit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.peek() == '\\' {
		p.pos++
		if p.peek() == 'u' {
			low, err := p.codeUnit()
			if err != nil {
				return 0, err
			}
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	p.pos = start
	return 0, p.fault("lone surrogate")
}

// codeUnit parses u and four hexadecimal digits.
func (p *parser) codeUnit() (rune, error) {
	p.pos++ // the u
	var r rune
	for range 4 {
		digit := strings.IndexByte("0123456789abcdef", lower(p.peek()))
		if digit < 0 {
			return 0, p.fault("no four hexadecimal digits after \\u")
		}
		r = r<<4 | rune(digit)
		p.pos++
	}
	return r, nil
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
