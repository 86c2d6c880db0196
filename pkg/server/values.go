package server

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types of settings, as flag.Values. Their errors complete "invalid value …: "; they say what would be right.

// text is any string.
type text string

func (t *text) String() string     { return string(*t) }
func (t *text) Set(s string) error { *t = text(s); return nil }

// choiceValue is one of some names.
type choiceValue struct {
	at    *string
	names []string
}

func choice(at *string, names ...string) choiceValue { return choiceValue{at, names} }

func (v choiceValue) String() string { return *v.at }

// list names the choices; an empty one, which comes last, goes without saying.
func (v choiceValue) list() string { return strings.TrimSuffix(strings.Join(v.names, ", "), ", ") }

func (v choiceValue) Set(s string) error {
	if !slices.Contains(v.names, s) {
		return fmt.Errorf("want one of %s", v.list())
	}
	*v.at = s
	return nil
}

// countValue is a whole number within bounds.
type countValue struct {
	at       *int
	min, max int
}

func count(at *int, least, most int) countValue { return countValue{at, least, most} }

func (v countValue) String() string { return strconv.Itoa(*v.at) }

func (v countValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return fmt.Errorf("want a whole number from %d to %d", v.min, v.max)
	}
	*v.at = n
	return nil
}

// periodValue is a duration of at least min.
type periodValue struct {
	at  *time.Duration
	min time.Duration
}

func period(at *time.Duration, least time.Duration) periodValue { return periodValue{at, least} }

func (v periodValue) String() string { return v.at.String() }

func (v periodValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < v.min {
		return fmt.Errorf("want a duration of at least %v, such as 500ms or 10s", v.min)
	}
	*v.at = d
	return nil
}

// share is a part of a whole.
type share float64

func (v *share) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

func (v *share) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f <= 1) {
		return errors.New("want a share above 0 and at most 1, such as 0.01")
	}
	*v = share(f)
	return nil
}

// size is a number of bytes.
type size int

const (
	minSize = 1 << 10 // what is less is a slip, such as 64 for 64KiB
	maxSize = 1 << 30
)

var sizeUnits = [...]struct {
	name string
	n    int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

func sizeText(n int) string {
	for _, u := range sizeUnits {
		if n >= u.n && n%u.n == 0 {
			return strconv.Itoa(n/u.n) + u.name
		}
	}
	return strconv.Itoa(n)
}

func (v *size) String() string { return sizeText(int(*v)) }

func (v *size) Set(s string) error {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n > maxSize/u.n || n*u.n < minSize {
			break
		}
		*v = size(n * u.n)
		return nil
	}
	return fmt.Errorf("want a number of bytes from %s to %s, such as 65536, 64KiB or 1MiB", sizeText(minSize), sizeText(maxSize))
}
