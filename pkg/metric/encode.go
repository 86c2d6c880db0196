package metric

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

// AppendJSONLines appends one line for each metric of b to dst and returns it. The result shares no memory with b.
// The form is that of docs/file-format.md; the same batch always gives the same bytes.
func (b *Batch) AppendJSONLines(dst []byte) []byte {
	head := newLineHead()
	for i := range b.Metrics {
		m := &b.Metrics[i]
		ns := m.Time
		if ns == NoTime {
			ns = b.Received
		}
		dst = head.append(dst, ns)
		dst = append(dst, `","name":"`...)
		dst = append(dst, m.Name...) // its pattern leaves nothing to escape, as with a tag's key
		dst = append(dst, `","value":`...)
		dst = appendFloat(dst, m.Value)
		dst = append(dst, typeMembers[m.Type]...)
		if m.TagStart < m.TagEnd {
			dst = append(dst, `,"tags":`...)
			sep := byte('{')
			for _, t := range b.Tags[m.TagStart:m.TagEnd] {
				dst = append(dst, sep, '"')
				dst = append(dst, t.Key...)
				dst = append(dst, `":`...)
				dst = AppendJSONString(dst, t.Value)
				sep = ','
			}
			dst = append(dst, '}')
		}
		dst = append(dst, "}\n"...)
	}
	return dst
}

var typeMembers = [...]string{Gauge: `,"type":"gauge"`, Counter: `,"type":"counter"`, Histogram: `,"type":"histogram"`, Summary: `,"type":"summary"`}

const (
	headText    = `{"timestamp":"2006-01-02T15:04:05.`
	dateAt      = len(`{"timestamp":"`)
	clockAt     = dateAt + len("2006-01-02T")
	secondsADay = 86400
)

// lineHead is the beginning of a line up to the fraction of the second. It is kept from line to line, because the
// metrics of one request are mostly of one day, and often of one second.
type lineHead struct {
	day, second int // that text shows
	text        [len(headText)]byte
}

func newLineHead() lineHead {
	return lineHead{day: -1, second: -1, text: [len(headText)]byte([]byte(headText))}
}

// append appends the head with ns since the epoch as RFC 3339 in UTC, with 3, 6 or 9 fractional digits: the fewest that
// are exact.
func (h *lineHead) append(dst []byte, ns int64) []byte {
	second, frac := int(uint64(ns)/1_000_000_000), uint64(ns)%1_000_000_000
	if second != h.second {
		h.set(second)
	}
	dst = append(dst, h.text[:]...)
	ms := frac / 1_000_000
	dst = append(dst, '0'+byte(ms/100), pairs[ms%100*2], pairs[ms%100*2+1])
	if frac -= ms * 1_000_000; frac != 0 {
		digits := [6]byte{}
		putPairs(digits[:], frac)
		if frac%1000 == 0 {
			dst = append(dst, digits[:3]...)
		} else {
			dst = append(dst, digits[:]...)
		}
	}
	return append(dst, 'Z')
}

func (h *lineHead) set(second int) {
	h.second = second
	day := second / secondsADay
	if day != h.day {
		h.day = day
		year, month, day := civil(day)
		date := h.text[dateAt:]
		putPairs(date[0:4], uint64(year))
		putPairs(date[5:7], uint64(month))
		putPairs(date[8:10], uint64(day))
	}
	second -= day * secondsADay
	clock := h.text[clockAt:]
	putPairs(clock[0:2], uint64(second/3600))
	putPairs(clock[3:5], uint64(second/60%60))
	putPairs(clock[6:8], uint64(second%60))
}

// pairs holds the two digits of every number below 100.
var pairs = func() (t [200]byte) {
	for i := range 100 {
		t[2*i], t[2*i+1] = '0'+byte(i/10), '0'+byte(i%10)
	}
	return t
}()

// putPairs fills dst, of an even length, with the last digits of n.
func putPairs(dst []byte, n uint64) {
	for i := len(dst); i > 0; i -= 2 {
		p := n % 100 * 2
		n /= 100
		dst[i-2], dst[i-1] = pairs[p], pairs[p+1]
	}
}

// appendFloat appends v as encoding/json prints a float64: the shortest form that reads back as v,
// with an exponent below 1e-6 and from 1e21 on.
func appendFloat(dst []byte, v float64) []byte {
	if decimals, ok := appendDecimal(dst, v); ok {
		return decimals
	}
	if abs := math.Abs(v); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' { // e-09 becomes e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendDecimal appends v if it is the double nearest to a decimal of at most fifteen digits, of which at most six are
// behind the point. No two decimals of so few digits have the same nearest double, so that one is also the shortest
// that reads back as v. Most values of metrics are of this kind, and finding the shortest form of any double is slow.
func appendDecimal(dst []byte, v float64) (_ []byte, ok bool) {
	const limit = 1e15
	abs := math.Abs(v)
	if !(abs < limit) {
		return dst, false
	}
	whole, fraction, digits := uint64(abs), uint64(0), 0
	if float64(whole) != abs {
		for digits = 3; ; digits += 3 {
			scale := float64(1e3)
			if digits == 6 {
				scale = 1e6
			}
			scaled := math.RoundToEven(abs * scale)
			if scaled < limit && scaled/scale == abs {
				whole, fraction = uint64(scaled)/uint64(scale), uint64(scaled)%uint64(scale)
				break
			}
			if digits == 6 {
				return dst, false
			}
		}
		for fraction%10 == 0 {
			fraction /= 10
			digits--
		}
	}
	if v < 0 {
		dst = append(dst, '-')
	}
	dst = strconv.AppendUint(dst, whole, 10)
	if digits == 0 {
		return dst, true
	}
	buf := [6]byte{}
	putPairs(buf[:], fraction)
	dst = append(dst, '.')
	return append(dst, buf[6-digits:]...), true
}

const hex = "0123456789abcdef"

// mustEscape marks the bytes that a string in our JSON does not hold as they are.
var mustEscape = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// plainEnd returns the index of the first byte of s[i:] that must be escaped, or len(s). It looks at eight together:
// each subtraction sets the high bit of the first byte in question, and none before it.
func plainEnd(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		if m := ((w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(s) && !mustEscape[s[i]] {
		i++
	}
	return i
}

// AppendJSONString appends s as a JSON string that escapes only what must be. s is valid UTF-8.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; ; {
		end := plainEnd(s, i)
		dst = append(dst, s[i:end]...)
		if end == len(s) {
			return append(dst, '"')
		}
		switch c := s[end]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		}
		i = end + 1
	}
}
