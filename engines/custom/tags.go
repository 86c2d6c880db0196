package custom

import (
	"encoding/binary"
	"math/bits"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// tags parses the object that opens at b[i] and appends its tags to dst, whose tags from index from on are those of
// this metric. A repeated key shows as its tag is put in its place; only beyond the limit must keys be remembered.
func (d *Decoder) tags(dst *metric.Batch, b []byte, i, from int) (next int, valid bool) {
	valid = true
	if i++; i < len(b) && b[i] <= ' ' {
		i = guard.SkipSpace(b, i)
	}
	if i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for {
		start := i
		key, lead, ok, next := d.tagKey(b, i)
		if i = next; i < 0 {
			return i, false
		}
		var value string
		if i < len(b) && b[i] == '"' {
			value, i = d.text(b, i+1)
		} else {
			i = d.skip(b, i, depthInTags)
			ok = false
		}
		if i < 0 {
			return i, false
		}
		valid = valid && ok && len(value) <= metric.MaxTagValueLen
		fresh := false
		if n := len(dst.Tags) - from; n < metric.MaxTags {
			fresh = d.insertTag(dst, n, lead, metric.Tag{Key: key, Value: value})
		} else {
			fresh = d.tagBeyondLimit(dst.Tags[from:], key)
			valid = false
		}
		if !fresh {
			return d.fail(start, guard.FaultRepeated), false
		}
		if i < len(b) && b[i] == ',' {
			if i++; i < len(b) && b[i] <= ' ' {
				i = guard.SkipSpace(b, i)
			}
			continue
		}
		i = guard.SkipSpace(b, i)
		if i < len(b) && b[i] == '}' {
			break
		}
		if i >= len(b) || b[i] != ',' {
			return d.fail(i, guard.FaultObjectEnd), false
		}
		i = guard.SkipSpace(b, i+1)
	}
	d.unknown[inTags].Reset()
	return i + 1, valid
}

// tagKey parses a tag's key at b[i] and its colon, up to the value. Keys are ordered as their leads are, and where those
// are equal, as they are themselves.
func (d *Decoder) tagKey(b []byte, i int) (key string, lead uint64, valid bool, next int) {
	if i+10 < len(b) && b[i] == '"' {
		n := metric.TagKeyPrefix(b[i+1:])
		if end := i + 1 + n; n-1 < metric.MaxTagKeyLen && n > 0 && end+2 < len(b) && b[end] == '"' && b[end+1] == ':' {
			lead = bits.ReverseBytes64(binary.LittleEndian.Uint64(b[i+1:]))
			if n < 8 {
				lead &= ^uint64(0) << (64 - 8*n)
			}
			key = guard.Borrow(b[i+1 : end])
			if i = end + 2; b[i] <= ' ' {
				i = guard.SkipSpace(b, i)
			}
			return key, lead, true, i
		}
	}
	key, i = d.memberName(b, i)
	if i < 0 {
		return "", 0, false, i
	}
	return key, leadOf(key), metric.ValidTagKey(key), i
}

// leadOf returns the first eight bytes of s, with zeros behind a shorter one, as a number that is ordered as they are.
func leadOf(s string) (lead uint64) {
	for i := range 8 {
		lead <<= 8
		if i < len(s) {
			lead |= uint64(s[i])
		}
	}
	return lead
}

// insertTag puts t in its place among the last n tags of dst, which are sorted by key, and reports false when its key
// is there already. Keys are compared by their leading bytes first, which are in the decoder and not behind pointers.
// Senders mostly sort already, and there are few tags: one comparison is the usual case.
func (d *Decoder) insertTag(dst *metric.Batch, n int, lead uint64, t metric.Tag) bool {
	from := len(dst.Tags) - n
	place := n
	for ; place > 0 && lead <= d.leads[place-1]; place-- {
		if lead == d.leads[place-1] {
			other := dst.Tags[from+place-1].Key
			if t.Key == other {
				return false
			}
			if t.Key > other {
				break
			}
		}
	}
	dst.Tags = append(dst.Tags, t)
	if place < n {
		copy(dst.Tags[from+place+1:], dst.Tags[from+place:])
		copy(d.leads[place+1:n+1], d.leads[place:n])
		dst.Tags[from+place] = t
	}
	d.leads[place] = lead
	return true
}

// tagBeyondLimit reports whether key is a new one, for a metric that has the full number of tags already.
func (d *Decoder) tagBeyondLimit(tags []metric.Tag, key string) bool {
	keys := &d.unknown[inTags]
	if keys.Len() == 0 {
		for _, t := range tags {
			keys.Add(t.Key)
		}
	}
	return keys.Add(key)
}
