package metric

import (
	"math"
	"strconv"
)

// AppendJSONLines appends one line for each metric of b to dst and returns it. The result shares no memory with b.
// The form is that of docs/file-format.md; the same batch always gives the same bytes.
func (b *Batch) AppendJSONLines(dst []byte) []byte {
	for i := range b.Metrics {
		m := &b.Metrics[i]
		ns := m.Time
		if ns == NoTime {
			ns = b.Received
		}
		dst = append(dst, `{"timestamp":"`...)
		dst = appendTime(dst, ns)
		dst = append(dst, `","name":"`...)
		dst = append(dst, m.Name...) // its pattern leaves nothing to escape, as with a tag's key
		dst = append(dst, `","value":`...)
		dst = appendFloat(dst, m.Value)
		dst = append(dst, `,"type":"`...)
		dst = append(dst, m.Type.String()...)
		dst = append(dst, '"')
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

// appendTime appends ns since the epoch as RFC 3339 in UTC with 3, 6 or 9 fractional digits: the fewest that are exact.
func appendTime(dst []byte, ns int64) []byte {
	secs, frac := int(ns/1_000_000_000), int(ns%1_000_000_000)
	year, month, day := civil(secs / 86400)
	secs %= 86400
	hour, minute, second := secs/3600, secs/60%60, secs%60
	dst = append(dst,
		'0'+byte(year/1000), '0'+byte(year/100%10), '0'+byte(year/10%10), '0'+byte(year%10), '-',
		'0'+byte(month/10), '0'+byte(month%10), '-',
		'0'+byte(day/10), '0'+byte(day%10), 'T',
		'0'+byte(hour/10), '0'+byte(hour%10), ':',
		'0'+byte(minute/10), '0'+byte(minute%10), ':',
		'0'+byte(second/10), '0'+byte(second%10), '.')
	digits := 9
	switch {
	case frac%1_000_000 == 0:
		digits, frac = 3, frac/1_000_000
	case frac%1000 == 0:
		digits, frac = 6, frac/1000
	}
	end := len(dst) + digits
	dst = append(dst, "000000000Z"[:digits]...)
	for i := end - 1; frac > 0; i-- {
		dst[i] = '0' + byte(frac%10)
		frac /= 10
	}
	return append(dst, 'Z')
}

// appendFloat appends v as encoding/json prints a float64: the shortest form that reads back as v,
// with an exponent below 1e-6 and from 1e21 on.
func appendFloat(dst []byte, v float64) []byte {
	abs := math.Abs(v)
	if abs < 1<<53 && v == math.Trunc(v) {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' { // e-09 becomes e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
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

// AppendJSONString appends s as a JSON string that escapes only what must be. s is valid UTF-8.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := range len(s) {
		c := s[i]
		if !mustEscape[c] {
			continue
		}
		dst = append(dst, s[done:i]...)
		done = i + 1
		switch c {
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
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}
