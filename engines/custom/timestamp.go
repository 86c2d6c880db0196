package custom

import (
	"encoding/binary"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// timestamp parses the value of that member.
func (d *Decoder) timestamp(b []byte, i int) (ns int64, next int, fault metric.TimeFault) {
	switch {
	case b[i] == '"':
		if ns, ok := d.usualTime(b, i+1); ok {
			return ns, i + 1 + usualTimeLen + 1, 0
		}
		s, i := d.text(b, i+1)
		if i < 0 {
			return 0, i, 0
		}
		ns, fault = metric.ParseTime(s)
		return ns, i, fault
	case isNumber[b[i]]:
		end, broken := guard.SkipNumber(b, i)
		if broken != 0 {
			return 0, d.fail(end, broken), 0
		}
		ns, fault = metric.ParseMillis(guard.Borrow(b[i:end]))
		return ns, end, fault
	case b[i] == 'n':
		return metric.NoTime, d.skip(b, i, depthInMetric), 0
	}
	return 0, d.skip(b, i, depthInMetric), metric.TimeForm
}

const usualTimeLen = len("2006-01-02T15:04:05.000Z")

// day is a date that was parsed. The decoder remembers the last one: the metrics of a request, and of the next,
// are mostly of one day.
type day struct {
	text  [10]byte // 2006-01-02
	start int64    // of the day, in nanoseconds since the Unix epoch
}

var epoch = day{text: [10]byte([]byte("1970-01-01"))}

// lastWholeDay begins the last day of which every nanosecond is within a timestamp's range.
const lastWholeDay = 106750 * 86400 * 1_000_000_000

// usualTime parses a time in UTC with milliseconds, the form that most senders print, with the closing quote behind
// it. Everything else, and every fault, is metric.ParseTime's.
func (d *Decoder) usualTime(b []byte, i int) (ns int64, ok bool) {
	if len(b)-i < usualTimeLen+1 {
		return 0, false
	}
	t := b[i : i+usualTimeLen+1]
	if t[10] != 'T' || t[19] != '.' || t[23] != 'Z' || t[24] != '"' {
		return 0, false
	}
	// hh:mm:ss in one word. Exclusive or with "00:00:00" leaves the digits' values, and zero for the colons; adding 6 to
	// a digit, or 15 to a colon, then carries out of the low half of a byte that was none.
	clock := binary.LittleEndian.Uint64(t[11:]) ^ 0x30303A30303A3030
	if (clock|(clock+0x06060F06060F0606))&0xF0F0F0F0F0F0F0F0 != 0 {
		return 0, false
	}
	tens := clock & 0x000F00000F00000F * 10
	units := tens + clock>>8
	hour, minute, second := units&0xFF, units>>24&0xFF, units>>48&0xFF
	d0, d1, d2 := t[20]-'0', t[21]-'0', t[22]-'0'
	if hour > 23 || minute > 59 || second > 59 || d0 > 9 || d1 > 9 || d2 > 9 {
		return 0, false
	}
	if [10]byte(t) != d.day.text && !d.newDay([10]byte(t)) {
		return 0, false
	}
	ms := (hour*3600+minute*60+second)*1000 + uint64(d0)*100 + uint64(d1)*10 + uint64(d2)
	return d.day.start + int64(ms)*1_000_000, true
}

// newDay remembers another date, unless it is none or not wholly within a timestamp's range.
func (d *Decoder) newDay(text [10]byte) bool {
	start, fault := metric.ParseTime(string(text[:]) + "T00:00:00Z")
	if fault != 0 || start > lastWholeDay {
		return false
	}
	d.day = day{text, start}
	return true
}
