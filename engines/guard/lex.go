package guard

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"

	"metricstream/pkg/metric"
)

// Fault is a way to break the grammar; zero is none.
type Fault uint8

// The faults of a body.
const (
	FaultEnd Fault = iota + 1
	FaultValue
	FaultLiteral
	FaultNumber
	FaultLeadingZero
	FaultName
	FaultColon
	FaultObjectEnd
	FaultArrayEnd
	FaultStringEnd
	FaultControl
	FaultEscape
	FaultHex
	FaultSurrogate
	FaultUTF8
	FaultDepth
	FaultTrailing
	FaultRepeated
)

var faultDetails = [...]string{
	FaultEnd:         "unexpected end of the body; a value is required",
	FaultValue:       "unexpected character; a value is required",
	FaultLiteral:     "misspelt literal; true, false or null is required",
	FaultNumber:      "malformed number; a digit is required",
	FaultLeadingZero: "malformed number; a leading zero stands alone before the fraction",
	FaultName:        `unexpected character; a member name in quotes is required`,
	FaultColon:       "unexpected character; a colon is required after a member name",
	FaultObjectEnd:   "unexpected character; a comma or } is required after a member",
	FaultArrayEnd:    "unexpected character; a comma or ] is required after an element",
	FaultStringEnd:   "unexpected end of the body; the string is not closed by a quote",
	FaultControl:     "control character in a string; it must be escaped",
	FaultEscape:      `unknown escape; one of \" \\ \/ \b \f \n \r \t \uXXXX is required`,
	FaultHex:         `malformed escape; four hexadecimal digits are required after \u`,
	FaultSurrogate:   `lone surrogate; \uD800 to \uDBFF must be followed by \uDC00 to \uDFFF`,
	FaultUTF8:        "invalid UTF-8",
	FaultDepth:       "nesting is too deep; at most 32 levels are accepted",
	FaultTrailing:    "unexpected character after the document; only white space may follow",
	FaultRepeated:    "repeated member name; names are unique in the envelope, in a metric and in tags",
}

// String says what is wrong, and what would be right.
func (f Fault) String() string { return faultDetails[f] }

// MaxDepth must fit the bits of SkipValue's stack.
const _ = uint(64 - metric.MaxDepth)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Special marks, by its high bit, the first byte of the eight in x (in little-endian order) that does not stand
// for itself in a JSON string in ASCII: a quote, a backslash, a control character, or a byte of 0x80 and above.
// Marks above the first may be false: the subtractions borrow upwards only. Zero is exact.
// (The zero-byte test is from "Bit Twiddling Hacks", https://graphics.stanford.edu/~seander/bithacks.html.)
func Special(x uint64) uint64 {
	quote := x ^ '"'*ones
	slash := x ^ '\\'*ones
	return (x | (x - 0x20*ones) | (quote - ones) | (slash - ones)) & highs
}

// PlainEnd returns the index of the first byte of b[i:] that Special would mark, or len(b).
func PlainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := Special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && plain[b[i]] {
		i++
	}
	return i
}

var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// SkipSpace returns the index of the first byte of b[i:] that is no JSON white space, or len(b).
func SkipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// SkipString returns the index after the string whose opening quote is at b[i-1].
// With a fault, the index is the fault's place, here as in the other functions of this file.
func SkipString(b []byte, i int) (int, Fault) {
	for {
		i = PlainEnd(b, i)
		if i == len(b) {
			return i, FaultStringEnd
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, 0
		case c == '\\':
			_, next, fault := escape(b, i)
			if fault != 0 {
				return next, fault
			}
			i = next
		default:
			size, fault := RuneLen(b, i)
			if fault != 0 {
				return i, fault
			}
			i += size
		}
	}
}

// RuneLen returns the length of the character at b[i], which is a control character or beyond ASCII:
// the one is a fault, the other must be valid UTF-8 (the table is that of the Unicode Standard, section 3.9, D92).
func RuneLen(b []byte, i int) (int, Fault) {
	c := b[i]
	if c < 0x20 {
		return 0, FaultControl
	}
	if len(b)-i < 4 {
		_, size := utf8.DecodeRune(b[i:])
		if size == 1 {
			return 0, FaultUTF8
		}
		return size, 0
	}
	c1, c2, c3 := b[i+1], b[i+2], b[i+3]
	switch {
	case c >= 0xC2 && c <= 0xDF && c1&0xC0 == 0x80:
		return 2, 0
	case c&0xF0 == 0xE0 && c1&0xC0 == 0x80 && c2&0xC0 == 0x80 && (c != 0xE0 || c1 >= 0xA0) && (c != 0xED || c1 <= 0x9F):
		return 3, 0
	case c&0xF8 == 0xF0 && c1&0xC0 == 0x80 && c2&0xC0 == 0x80 && c3&0xC0 == 0x80 &&
		(c != 0xF0 || c1 >= 0x90) && (c < 0xF4 || c == 0xF4 && c1 <= 0x8F):
		return 4, 0
	}
	return 0, FaultUTF8
}

// AppendString appends the text of the string whose opening quote is at b[i-1], unescaped. The text is never longer
// than the string; it is written a word at a time, and so into room for as much as the rest of b, which is made at once.
func AppendString(dst, b []byte, i int) (_ []byte, next int, _ Fault) {
	n := len(dst)
	dst = slices.Grow(dst, len(b)-i+8)
	dst = dst[:cap(dst)]
	for i < len(b) {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			binary.LittleEndian.PutUint64(dst[n:], w)
			m := Special(w)
			run := bits.TrailingZeros64(m) >> 3 // 8 if none is special
			i, n = i+run, n+run
			if m == 0 {
				continue
			}
		}
		c := b[i]
		switch {
		case plain[c]:
			dst[n] = c
			i, n = i+1, n+1
		case c == '"':
			return dst[:n], i + 1, 0
		case c == '\\':
			if i+1 < len(b) && simpleEscape[b[i+1]] != 0 {
				dst[n] = simpleEscape[b[i+1]]
				i, n = i+2, n+1
				continue
			}
			r, next, fault := escape(b, i)
			if fault != 0 {
				return dst[:n], next, fault
			}
			n += utf8.EncodeRune(dst[n:], r)
			i = next
		default:
			size, fault := RuneLen(b, i)
			if fault != 0 {
				return dst[:n], i, fault
			}
			n += copy(dst[n:], b[i:i+size])
			i += size
		}
	}
	return dst[:n], i, FaultStringEnd
}

// simpleEscape holds what the character behind a backslash stands for, or zero.
var simpleEscape = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape whose backslash is at b[i].
func escape(b []byte, i int) (r rune, next int, _ Fault) {
	if i+1 >= len(b) {
		return 0, len(b), FaultStringEnd
	}
	c := b[i+1]
	if simple := simpleEscape[c]; simple != 0 {
		return rune(simple), i + 2, 0
	}
	if c == 'u' {
		return unicodeEscape(b, i)
	}
	return 0, i + 1, FaultEscape
}

func unicodeEscape(b []byte, i int) (r rune, next int, _ Fault) {
	r = hex4(b, i+2)
	switch {
	case r < 0:
		return 0, i, FaultHex
	case r < 0xD800 || r > 0xDFFF:
		return r, i + 6, 0
	case r > 0xDBFF || i+8 > len(b) || b[i+6] != '\\' || b[i+7] != 'u':
		return 0, i, FaultSurrogate
	}
	low := hex4(b, i+8)
	if low < 0 {
		return 0, i + 6, FaultHex
	}
	if low < 0xDC00 || low > 0xDFFF {
		return 0, i, FaultSurrogate
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), i + 12, 0
}

const notHex = 0xFF

var hexValue = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = uint8(c - '0')
		case c >= 'a' && c <= 'f':
			t[c] = uint8(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			t[c] = uint8(c - 'A' + 10)
		default:
			t[c] = notHex
		}
	}
	return t
}()

// hex4 returns the number of the four hexadecimal digits at b[i:], or a negative one.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	v0, v1, v2, v3 := hexValue[b[i]], hexValue[b[i+1]], hexValue[b[i+2]], hexValue[b[i+3]]
	if v0|v1|v2|v3 == notHex { // no valid digit has a bit above the fourth
		return -1
	}
	return rune(v0)<<12 | rune(v1)<<8 | rune(v2)<<4 | rune(v3)
}

// SkipNumber returns the index after the number that starts at b[i], a digit or a minus.
func SkipNumber(b []byte, i int) (int, Fault) {
	if b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start {
		return i, FaultNumber
	}
	if b[start] == '0' && i > start+1 {
		return start + 1, FaultLeadingZero
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return i, FaultNumber
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, start); i == start {
			return i, FaultNumber
		}
	}
	return i, 0
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// SkipValue checks the value that starts at b[i] and returns the index after it. The value stands at the given
// depth if it is an object or array. Names inside it may repeat. The stack is one bit a level, so that no body
// can make it grow.
func SkipValue(b []byte, i, depth int) (int, Fault) {
	var objects uint64 // bit d: the container at depth d is an object
	outer := depth
	var fault Fault
value:
	if i >= len(b) {
		return len(b), FaultEnd
	}
	switch c := b[i]; c {
	case '"':
		i, fault = SkipString(b, i+1)
	case '{', '[':
		if depth > metric.MaxDepth {
			return i, FaultDepth
		}
		i = SkipSpace(b, i+1)
		if c == '{' {
			objects |= 1 << depth
			depth++
			if i < len(b) && b[i] == '}' {
				goto closed
			}
			goto name
		}
		objects &^= 1 << depth
		depth++
		if i < len(b) && b[i] == ']' {
			goto closed
		}
		goto value
	case 't':
		i, fault = skipLiteral(b, i, "true")
	case 'f':
		i, fault = skipLiteral(b, i, "false")
	case 'n':
		i, fault = skipLiteral(b, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		i, fault = SkipNumber(b, i)
	default:
		return i, FaultValue
	}
	if fault != 0 {
		return i, fault
	}
after:
	if depth == outer {
		return i, 0
	}
	i = SkipSpace(b, i)
	if objects>>(depth-1)&1 != 0 {
		if i >= len(b) {
			return i, FaultObjectEnd
		}
		switch b[i] {
		case ',':
			i = SkipSpace(b, i+1)
			goto name
		case '}':
			goto closed
		}
		return i, FaultObjectEnd
	}
	if i >= len(b) {
		return i, FaultArrayEnd
	}
	switch b[i] {
	case ',':
		i = SkipSpace(b, i+1)
		goto value
	case ']':
		goto closed
	}
	return i, FaultArrayEnd
name:
	if i >= len(b) || b[i] != '"' {
		return i, FaultName
	}
	if i, fault = SkipString(b, i+1); fault != 0 {
		return i, fault
	}
	if i, fault = SkipColon(b, i); fault != 0 {
		return i, fault
	}
	goto value
closed:
	i++
	depth--
	goto after
}

// SkipColon returns the index of the value after the member name that ends before b[i].
func SkipColon(b []byte, i int) (int, Fault) {
	i = SkipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return i, FaultColon
	}
	return SkipSpace(b, i+1), 0
}

func skipLiteral(b []byte, i int, word string) (int, Fault) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, FaultLiteral
	}
	return i + len(word), 0
}

// Borrow returns b as a string that shares its memory: it is valid for as long as b is not written to.
func Borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
