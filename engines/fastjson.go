package engines

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"metricstream/pkg/metric"
)

// fastJSON decodes with valyala/fastjson: the parser builds a tree over its own copy of the body, both reused,
// and the adapter walks the tree. The strings in dst borrow that copy until the next Decode.
type fastJSON struct {
	parser      fastjson.Parser
	exactFloats bool // the library's own conversion is one ulp off on some numbers
	number      []byte
}

func (d *fastJSON) Decode(dst *metric.Batch, body []byte) error {
	dst.Reset()
	err := d.decode(dst, body)
	// A tree of up to 40 times a body hangs on the parser. dst keeps alive what it borrows of it.
	if len(body) > keptBodyBytes && bytes.Count(body, []byte{','}) > keptValues {
		*d = fastJSON{exactFloats: d.exactFloats}
	}
	return err
}

func (d *fastJSON) decode(dst *metric.Batch, body []byte) error {
	root, err := d.parser.ParseBytes(body)
	if err != nil {
		return err
	}
	if root.Type() != fastjson.TypeObject {
		return errDocument
	}
	list := root.GetArray("metrics")
	if len(list) == 0 {
		return errMetrics
	}
	for _, v := range list {
		if err := d.metric(dst, v); err != nil {
			return err
		}
	}
	return nil
}

func (d *fastJSON) metric(dst *metric.Batch, v *fastjson.Value) error {
	if v.Type() != fastjson.TypeObject {
		return errMetric
	}
	f, start := blank(), len(dst.Tags)
	var err error
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		if err != nil {
			return
		}
		switch string(key) {
		case "name":
			f.name = view(v.GetStringBytes())
		case "type":
			f.kind = view(v.GetStringBytes())
		case "value":
			f.value, err = d.value(v)
		case "timestamp":
			f.time, err = d.time(v)
		case "tags":
			err = tagsOf(dst, start, v)
		}
	})
	if err != nil {
		return err
	}
	return appendMetric(dst, start, &f)
}

func (d *fastJSON) value(v *fastjson.Value) (float64, error) {
	if v.Type() != fastjson.TypeNumber {
		return 0, errValue
	}
	if !d.exactFloats {
		return v.GetFloat64(), nil
	}
	d.number = v.MarshalTo(d.number[:0]) // the only way to the digits
	return strconv.ParseFloat(view(d.number), 64)
}

func (d *fastJSON) time(v *fastjson.Value) (int64, error) {
	switch v.Type() {
	case fastjson.TypeNull:
		return metric.NoTime, nil
	case fastjson.TypeString:
		return timeFound(metric.ParseTime(view(v.GetStringBytes())))
	case fastjson.TypeNumber:
		d.number = v.MarshalTo(d.number[:0])
		return timeFound(metric.ParseMillis(view(d.number)))
	}
	return 0, errTimestamp
}

func tagsOf(dst *metric.Batch, start int, v *fastjson.Value) error {
	switch v.Type() {
	case fastjson.TypeNull:
		return nil
	case fastjson.TypeObject:
	default:
		return errTags
	}
	var err error
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		switch {
		case err != nil:
		case v.Type() != fastjson.TypeString:
			err = errTags
		default:
			err = appendTag(dst, start, view(key), view(v.GetStringBytes()))
		}
	})
	return err
}
