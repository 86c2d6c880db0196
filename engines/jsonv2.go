package engines

import (
	"errors"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// jsonV2 decodes with github.com/go-json-experiment/json, the future encoding/json/v2. By default it checks the whole
// grammar, UTF-8 and repeated names by itself, which makes it the independent witness of the guard and of our own
// decoder: nothing of ours has looked at a body that it accepts, but for the depth.
type jsonV2 struct {
	ignoredRepeats bool // accept repeated names where the contract does not look: inside ignored values
	guard          guard.Guard
	envelope       struct {
		Metrics metricList `json:"metrics"`
	}
}

func (d *jsonV2) Decode(dst *metric.Batch, body []byte) error {
	err := d.decode(dst, body)
	if d.ignoredRepeats && errors.Is(err, jsontext.ErrDuplicateName) {
		if err := d.guard.Check(body); err != nil {
			return err // repeated where it counts, or wrong besides
		}
		return d.decode(dst, body, jsontext.AllowDuplicateNames(true))
	}
	return err
}

func (d *jsonV2) decode(dst *metric.Batch, body []byte, options ...json.Options) error {
	dst.Reset()
	list := &d.envelope.Metrics
	list.start(dst)
	err := json.Unmarshal(body, &d.envelope, options...)
	list.start(nil)
	if err == nil && len(dst.Metrics) == 0 {
		return errMetrics
	}
	return err
}

// metricList decodes the metrics one by one into the same struct and appends each to the batch:
// however many a body holds, they are in memory once. It refuses the first that is wrong, and the first too many.
type metricList struct {
	dst    *metric.Batch
	number float64
	metric struct {
		Name      string         `json:"name"`
		Value     *float64       `json:"value"` // &number, so that nothing is allocated; the library makes it nil for null
		Type      string         `json:"type"`
		Timestamp jsontext.Value `json:"timestamp"` // its memory is reused
		Tags      tagList        `json:"tags"`
	}
}

func (l *metricList) start(dst *metric.Batch) {
	l.dst = dst
	l.blank()
	if cap(l.metric.Timestamp) > keptTimestamp {
		l.metric.Timestamp = nil
	}
}

func (l *metricList) blank() {
	m := &l.metric
	l.number = math.NaN() // stays when the value is missing
	m.Name, m.Value, m.Type, m.Timestamp = "", &l.number, "", m.Timestamp[:0]
	m.Tags.dst = l.dst
	if l.dst != nil {
		m.Tags.start = len(l.dst.Tags)
	}
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *metricList) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if err := open(dec, '[', errMetrics); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		l.blank()
		if err := json.UnmarshalDecode(dec, &l.metric); err != nil {
			return err
		}
		if err := l.append(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (l *metricList) append() error {
	m := &l.metric
	if m.Value == nil { // the value is null, or the whole metric
		return errValue
	}
	time, err := timeOf(m.Timestamp)
	if err != nil {
		return err
	}
	return appendMetric(l.dst, m.Tags.start, &fields{m.Name, m.Type, *m.Value, time})
}

// tagList decodes tags straight into the batch: a map would cost time, and take null for an empty string.
type tagList struct {
	dst   *metric.Batch
	start int
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *tagList) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		_, err := dec.ReadToken()
		return err
	}
	if err := open(dec, '{', errTags); err != nil {
		return err
	}
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() == '}' {
			return nil
		}
		key := token.String() // copied: the next token overwrites it
		if token, err = dec.ReadToken(); err != nil {
			return err
		}
		if token.Kind() != '"' {
			return errTags
		}
		if err := appendTag(l.dst, l.start, key, token.String()); err != nil {
			return err
		}
	}
}

// open reads the token that begins an object or array, and refuses any other.
func open(dec *jsontext.Decoder, kind jsontext.Kind, refused refusal) error {
	token, err := dec.ReadToken()
	if err == nil && token.Kind() != kind {
		return refused
	}
	return err
}
