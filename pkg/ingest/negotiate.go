package ingest

import "bytes"

// isJSON reports whether the request's media type is application/json, which is also what an absent one means.
func (hd *head) isJSON() bool {
	if hd.contentType.given == 0 {
		return true
	}
	media, _, _ := bytes.Cut(hd.contentType.value, []byte(";"))
	return hd.contentType.given == 1 && equalFold(trimOWS(media), "application/json")
}

// coding is the content coding of a body.
type coding uint8

const (
	uncoded  coding = iota // none is given
	identity               // given by name, which comes to the same
	gzipped
	zstandard
	snappyBlock
	unsupported // another one, or several
)

// add takes in one Content-Encoding field, whose value is a list.
func (c *coding) add(list []byte) {
	for len(list) > 0 {
		var name []byte
		name, list, _ = bytes.Cut(list, []byte(","))
		name = trimOWS(name)
		switch {
		case len(name) == 0: // an empty element is no element (RFC 9110, section 5.6.1)
		case *c != uncoded:
			*c = unsupported
		case equalFold(name, "gzip"), equalFold(name, "x-gzip"):
			*c = gzipped
		case equalFold(name, "zstd"):
			*c = zstandard
		case equalFold(name, "snappy"):
			*c = snappyBlock
		case equalFold(name, "identity"):
			*c = identity
		default:
			*c = unsupported
		}
	}
}

// preference is what the client prefers (RFC 7240) of the little that there is to choose.
type preference struct{ handling, lenient bool }

// add takes in one Prefer field: a list of `name [= value] *(; parameter)`, with values that may be quoted.
// Of a preference that is given several times the first counts.
func (p *preference) add(list []byte) {
	for len(list) > 0 {
		var item []byte
		item, list = cutUnquoted(list, ',')
		item, _ = cutUnquoted(item, ';')
		name, value := cutUnquoted(item, '=')
		if p.handling || !equalFold(trimOWS(name), "handling") {
			continue
		}
		value = trimOWS(value)
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		p.handling, p.lenient = true, equalFold(value, "lenient")
	}
}

// cutUnquoted splits b at the first sep that is not inside a quoted string.
func cutUnquoted(b []byte, sep byte) (before, after []byte) {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}
