package metric

import (
	"fmt"
	"math"
)

const (
	maxSeconds = math.MaxInt64 / 1_000_000_000
	maxMillis  = math.MaxInt64 / 1_000_000
)

// A TimeFault is a rule that a timestamp breaks; the zero TimeFault is none.
type TimeFault uint8

// The faults of a timestamp.
const (
	TimeForm TimeFault = iota + 1
	TimeRange
	TimeInteger
)

// Describe returns the fault's code, and a detail that shows the timestamp s.
func (f TimeFault) Describe(s string) (Code, string) {
	switch f {
	case TimeRange:
		return CodeRange, Excerpt(s) + " is outside 1970-01-01T00:00:00Z to 2262-04-11T23:47:16.854775807Z"
	case TimeInteger:
		return CodePattern, Excerpt(s) + " is not an integer of Unix milliseconds (-?[0-9]+)"
	}
	return CodePattern, fmt.Sprintf("%s is not an RFC 3339 time with a zone and at most 9 fractional digits, such as 2025-09-17T13:45:23.123Z", Excerpt(s))
}

// ParseTime returns the nanoseconds since the Unix epoch of an RFC 3339 time (section 5.6;
// T and Z in either case; no leap second, for Unix time has none) between 1970 and 2262.
func ParseTime(s string) (ns int64, fault TimeFault) {
	if len(s) < len("2006-01-02T15:04:05Z") ||
		s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, TimeForm
	}
	century, year := digits2(s, 0), digits2(s, 2)
	month, day := digits2(s, 5), digits2(s, 8)
	hour, minute, second := digits2(s, 11), digits2(s, 14), digits2(s, 17)
	if century|year|month|day|hour|minute|second < 0 { // a digit was none
		return 0, TimeForm
	}
	year += century * 100
	if month-1 > 11 || month == 0 || day == 0 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, TimeForm
	}
	frac, rest, ok := fraction(s[19:])
	if !ok {
		return 0, TimeForm
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, TimeForm
	}
	secs := daysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second) - int64(offset)
	if secs < 0 || secs > maxSeconds || secs == maxSeconds && frac > math.MaxInt64%1_000_000_000 {
		return 0, TimeRange
	}
	return secs*1_000_000_000 + frac, 0
}

// ParseMillis returns the nanoseconds since the Unix epoch of a JSON number that is an integer of milliseconds.
func ParseMillis(literal string) (ns int64, fault TimeFault) {
	digits := literal
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" {
		return 0, TimeInteger
	}
	var ms int64
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, TimeInteger
		}
		if ms <= maxMillis { // beyond, it only matters whether the rest are digits
			ms = ms*10 + int64(d)
		}
	}
	if ms > maxMillis || ms > 0 && len(digits) < len(literal) {
		return 0, TimeRange
	}
	return ms * 1_000_000, 0
}

// digits2 returns the number of the two digits at s[i:], or a negative one.
func digits2(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// fraction parses an optional fraction of a second and returns it in nanoseconds.
func fraction(s string) (ns int64, rest string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for i < len(s) && s[i]-'0' <= 9 {
		if i > 9 {
			return 0, s, false
		}
		ns = ns*10 + int64(s[i]-'0')
		i++
	}
	if i == 1 {
		return 0, s, false
	}
	for range 10 - i {
		ns *= 10
	}
	return ns, s[i:], true
}

// zone parses Z or ±hh:mm and returns the seconds east of UTC.
func zone(s string) (seconds int, ok bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+00:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute := digits2(s, 1), digits2(s, 4)
	if hour|minute < 0 || hour > 23 || minute > 59 {
		return 0, false
	}
	seconds = hour*3600 + minute*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch and civil convert between a date of the proleptic Gregorian calendar and days since 1970-01-01
// (the algorithms of Howard Hinnant, https://howardhinnant.github.io/date_algorithms.html).
// Years start in March there, so that the leap day is a year's last.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400 // no year here is negative but -1, whose time is refused as out of range anyway
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return int64(era)*146097 + int64(dayOfEra) - 719468
}

func civil(days int) (year, month, day int) {
	days += 719468
	era := days / 146097
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*m+2)/5 + 1
	month = m + 3
	year = yearOfEra + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}
