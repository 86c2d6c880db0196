package custom

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"metricstream/engines/guard"
)

// isNumber marks the bytes with which a JSON number starts.
var isNumber = [256]bool{'-': true, '0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true}

// pow10 holds the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

const (
	maxExact  = 1 << 53 // integers up to here are exact in a float64
	maxDigits = 19      // decimal digits that cannot overflow a uint64
)

// number parses the JSON number that starts at b[i]. A value beyond float64's range is an infinity.
//
// When the digits are an integer of at most 2^53 and the power of ten is exact too, one multiplication or division
// of two exact numbers rounds once, and so correctly (W. D. Clinger, "How to Read Floating Point Numbers
// Accurately", 1990). Everything else is strconv's, which is correct for every input.
func number(b []byte, i int) (v float64, next int, _ guard.Fault) {
	if v, next = shortNumber(b, i); next > 0 {
		return v, next, 0
	}
	start := i
	negative := b[i] == '-'
	if negative {
		i++
	}
	first := i
	var mantissa uint64
	for i < len(b) && b[i]-'0' <= 9 {
		mantissa = mantissa*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 {
		return 0, i, guard.FaultNumber
	}
	if digits > 1 && b[first] == '0' {
		return 0, first + 1, guard.FaultLeadingZero
	}
	exponent := 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) && b[i]-'0' <= 9 {
			mantissa = mantissa*10 + uint64(b[i]-'0')
			i++
		}
		if i == point {
			return 0, i, guard.FaultNumber
		}
		exponent = point - i
		digits += i - point
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		var explicit int
		var fault guard.Fault
		if explicit, i, fault = exponentPart(b, i+1); fault != 0 {
			return 0, i, fault
		}
		exponent += explicit
	}
	if digits <= maxDigits && mantissa <= maxExact && exponent >= -22 && exponent <= 22 {
		v = float64(mantissa)
		if exponent < 0 {
			v /= pow10[-exponent]
		} else {
			v *= pow10[exponent]
		}
		if negative && v != 0 { // −0 is 0
			v = -v
		}
		return v, i, 0
	}
	v, _ = strconv.ParseFloat(guard.Borrow(b[start:i]), 64) // the only error left is ErrRange, with an infinity
	return v + 0, i, 0
}

// shortNumber parses a number of at most seven digits before the point and seven behind it, without an exponent, which
// most are, and returns a next of 0 for all others. Digits are found and added up eight at a time, without a branch that
// depends on how many there are.
func shortNumber(b []byte, i int) (v float64, next int) {
	if i+20 > len(b) {
		return 0, 0
	}
	negative := b[i] == '-'
	if negative {
		i++
	}
	whole, digits := leadingDigits(binary.LittleEndian.Uint64(b[i:]))
	if digits-1 >= 7 || digits > 1 && b[i] == '0' {
		return 0, 0
	}
	i += int(digits)
	v = float64(whole)
	if b[i] == '.' {
		fraction, digits := leadingDigits(binary.LittleEndian.Uint64(b[i+1:]))
		if digits-1 >= 7 {
			return 0, 0
		}
		i += int(digits) + 1
		v = float64(whole*uint64(pow10[digits])+fraction) / pow10[digits]
	}
	if b[i]|0x20 == 'e' {
		return 0, 0
	}
	if negative && v != 0 { // −0 is 0
		v = -v
	}
	return v, i
}

// leadingDigits returns how many of the bytes in w, which are in little-endian order, are decimal digits before the
// first that is none, and the number that they are.
// (The summing in three multiplications is Johnny Lee's; see https://lemire.me/blog/2018/10/03/quickly-parsing-eight-digits/.)
func leadingDigits(w uint64) (number uint64, digits uint) {
	w ^= 0x3030303030303030
	other := (w | (w + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0 // not zero in each byte that is no digit
	digits = uint(bits.TrailingZeros64(other)) >> 3
	w <<= 64 - 8*digits
	w = (w*10 + w>>8) & 0x00FF00FF00FF00FF
	w = (w*100 + w>>16) & 0x0000FFFF0000FFFF
	return (w*10000 + w>>32) & 0xFFFFFFFF, digits
}

// exponentPart parses an exponent behind its e. Beyond four digits only its being large matters.
func exponentPart(b []byte, i int) (exponent, next int, _ guard.Fault) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		if exponent < 10_000 {
			exponent = exponent*10 + int(b[i]-'0')
		}
		i++
	}
	if i == first {
		return 0, i, guard.FaultNumber
	}
	if negative {
		exponent = -exponent
	}
	return exponent, i, 0
}
