package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// gap stands where there is no number.
const gap = "–"

// Digits returns v with three significant digits and its thousands grouped: 0.0123, 1.50, 12.3, 1,230,000.
// A whole number below 1,000 stands as it is; NaN is a dash.
func Digits(v float64) string {
	v = tidy(v)
	switch {
	case math.IsNaN(v):
		return gap
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	case v < 0:
		return "−" + Digits(-v)
	case v == 0:
		return "0"
	case v < 1e-4 || v >= 1e15:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e")
		e, _ := strconv.Atoi(exponent) // FormatFloat writes a number there
		return mantissa + "e" + strconv.Itoa(e)
	case v < 1000 && v == math.Trunc(v):
		return strconv.Itoa(int(v))
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // 999.7 becomes 1000, which has other decimals
	decimals := max(0, 2-int(math.Floor(math.Log10(rounded)+1e-9)))
	return group(strconv.FormatFloat(rounded, 'f', decimals, 64))
}

// tidy drops what arithmetic on units left behind the twelfth digit: 10.000000000000002 is the whole number 10.
func tidy(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	return v
}

// group puts commas between the thousands of a number's digits, which has no fraction from 1,000 on.
func group(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

var prefixes = [...]string{"p", "n", "µ", "m", "", "k", "M", "G", "T"}

const noPrefix = 4 // index of the empty one

// SI returns v with three significant digits and a prefix to its unit: SI(1.2345e-5, "s") is "12.3 µs",
// and so is SI(12345, "ns"). What is counted ("", "req/s", "B") has no prefixes below one; a percentage,
// a multiple ("×") and a share ("pp") have none at all.
func SI(v float64, unit string) string {
	v, unit = base(v, unit)
	if v == 0 || v-v != 0 {
		return join(Digits(v), "", unit)
	}
	i := prefixOf(v, unit)
	return join(Digits(v/scale(i)), prefixes[i], unit)
}

// prefixOf chooses the prefix, by its index, under which v has one to three digits before the point.
func prefixOf(v float64, unit string) int {
	var lowest, highest int
	switch head(unit) {
	case "%", "×", "pp":
		return noPrefix
	case "s", "J":
		lowest, highest = 0, noPrefix // kiloseconds are nobody's
	default:
		lowest, highest = noPrefix, len(prefixes)-1
	}
	i := lowest
	for i < highest && math.Abs(v)/scale(i) >= 999.5 {
		i++
	}
	return i
}

func scale(prefix int) float64 { return math.Pow(1000, float64(prefix-noPrefix)) }

// base turns a time in smaller units into seconds.
func base(v float64, unit string) (float64, string) {
	head, per, divided := strings.Cut(unit, "/")
	if divided {
		per = "/" + per
	}
	switch head {
	case "ns":
		return v / 1e9, "s" + per
	case "µs", "us":
		return v / 1e6, "s" + per
	case "ms":
		return v / 1e3, "s" + per
	}
	return v, unit
}

// join writes a number and its unit with a no-break space between. A counted unit stays apart from its prefix:
// 12.3k req/s, but 12.3 kB.
func join(number, prefix, unit string) string {
	const space = "\u00a0"
	switch {
	case unit == "%" || unit == "×" || unit == "":
		return number + prefix + unit
	case counts(unit):
		return number + prefix + space + unit
	}
	return number + space + prefix + unit
}

// counts reports whether the unit is that of things counted, in words, rather than a symbol that takes a prefix.
func counts(unit string) bool {
	switch _, unit := base(1, unit); head(unit) {
	case "s", "J", "W", "B", "Hz", "%", "×", "pp", "":
		return false
	}
	return true
}

// head is the unit without what it is divided by.
func head(unit string) string {
	head, _, _ := strings.Cut(unit, "/")
	return head
}

// short is SI without what the unit is divided by, for labels beside an axis that says it.
func short(v float64, unit string) string {
	if counts(unit) { // "req/s", "metrics": the axis names them
		return SI(v, "")
	}
	return SI(v, head(unit))
}

// raw is v in full, as in CSV.
func raw(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// clean makes a label of any text: valid UTF-8 in one line, without control characters,
// nor the characters that turn the direction of the text around them.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0xFFFE, r == 0xFFFF:
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}
