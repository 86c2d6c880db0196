package metric

// The rules of one metric's fields, as docs/http-api.md states them, each in one place for all engines.
// The Valid functions are for the fast path; the Fault functions say what is wrong, and allocate.

import (
	"fmt"
	"math"
	"strconv"
)

// Classes of bytes in names and tag keys.
const (
	nameHead = 1 << iota
	nameTail
	keyHead
	keyTail
)

var byteClass = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = nameHead | nameTail | keyHead | keyTail
		case c == ':':
			t[c] = nameHead | nameTail
		case c >= '0' && c <= '9', c == '.', c == '/', c == '-':
			t[c] = nameTail | keyTail
		}
	}
	return t
}()

func matches(s string, head, tail uint8) bool {
	if byteClass[s[0]]&head == 0 {
		return false
	}
	all := tail
	for i := 1; i < len(s); i++ {
		all &= byteClass[s[i]]
	}
	return all != 0
}

// ValidName reports whether s may name a metric.
func ValidName(s string) bool {
	return len(s)-1 < MaxNameLen && len(s) > 0 && matches(s, nameHead, nameTail)
}

// ValidTagKey reports whether s may be the key of a tag.
func ValidTagKey(s string) bool {
	return len(s)-1 < MaxTagKeyLen && len(s) > 0 && matches(s, keyHead, keyTail)
}

// NamePrefix returns the length of the longest prefix of b that has the form of a metric's name. Its length is not
// looked at.
func NamePrefix(b []byte) int { return prefix(b, nameHead, nameTail) }

// TagKeyPrefix returns the length of the longest prefix of b that has the form of a tag's key. Its length is not
// looked at.
func TagKeyPrefix(b []byte) int { return prefix(b, keyHead, keyTail) }

func prefix(b []byte, head, tail uint8) int {
	if len(b) == 0 || byteClass[b[0]]&head == 0 {
		return 0
	}
	for i := 1; i < len(b); i++ {
		if byteClass[b[i]]&tail == 0 {
			return i
		}
	}
	return len(b)
}

// ValidValue reports whether a metric of type t may have the value v.
func ValidValue(t Type, v float64) bool {
	return v-v == 0 && (t != Counter || v >= 0) // v-v is NaN for an infinity and for NaN
}

// NameFault says which rule of a metric's name s breaks.
func NameFault(s string) (Code, string) {
	switch {
	case s == "":
		return CodeLength, fmt.Sprintf("is empty; 1 to %d bytes are required", MaxNameLen)
	case len(s) > MaxNameLen:
		return CodeLength, fmt.Sprintf("has %d bytes; at most %d are accepted", len(s), MaxNameLen)
	}
	return CodePattern, Excerpt(s) + " does not match [a-zA-Z_:][a-zA-Z0-9_:./-]*"
}

// TypeFault says what is wrong with the name s of a metric type.
func TypeFault(s string) (Code, string) {
	return CodePattern, Excerpt(s) + " is none of gauge, counter, histogram, summary"
}

// ValueFault says which rule the value v of a metric of type t breaks.
func ValueFault(t Type, v float64) (Code, string) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return CodeRange, "is beyond the range of an IEEE 754 double"
	}
	return CodeRange, fmt.Sprintf("is %s; a %s is not negative", strconv.FormatFloat(v, 'g', -1, 64), t)
}

// TagKeyFault says which rule of a tag's key s breaks.
func TagKeyFault(s string) (Code, string) {
	switch {
	case s == "":
		return CodeLength, fmt.Sprintf("a key is empty; 1 to %d bytes are required", MaxTagKeyLen)
	case len(s) > MaxTagKeyLen:
		return CodeLength, fmt.Sprintf("key %s has %d bytes; at most %d are accepted", Excerpt(s), len(s), MaxTagKeyLen)
	}
	return CodePattern, "key " + Excerpt(s) + " does not match [a-zA-Z_][a-zA-Z0-9_./-]*"
}

// TagValueFault says that the value of the tag key is too long.
func TagValueFault(key string, n int) (Code, string) {
	return CodeLength, fmt.Sprintf("value of %s has %d bytes; at most %d are accepted", Excerpt(key), n, MaxTagValueLen)
}

// TagCountFault says that a metric has n tags, more than it may.
func TagCountFault(n int) (Code, string) {
	return CodeCount, fmt.Sprintf("%d tags; at most %d are accepted", n, MaxTags)
}

const excerptLen = 40

// Excerpt returns the beginning of s, quoted, in printable ASCII: input shown to people is never more than that.
func Excerpt(s string) string {
	if len(s) <= excerptLen {
		return strconv.QuoteToASCII(s)
	}
	cut := excerptLen
	for cut > excerptLen-4 && s[cut]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		cut--
	}
	return strconv.QuoteToASCII(s[:cut]) + "…"
}

// InsertTag puts a tag in its place among tags[start:], which are sorted by key,
// and reports false, with tags as they were, when the key is there already.
// Senders mostly sort already, and there are few tags: one comparison is the usual case.
func InsertTag(tags []Tag, start int, t Tag) ([]Tag, bool) {
	i := len(tags)
	for ; i > start && t.Key <= tags[i-1].Key; i-- {
		if t.Key == tags[i-1].Key {
			return tags, false
		}
	}
	tags = append(tags, t)
	if i < len(tags)-1 {
		copy(tags[i+1:], tags[i:])
		tags[i] = t
	}
	return tags, true
}
