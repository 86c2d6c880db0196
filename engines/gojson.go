package engines

import (
	"encoding/json"

	gojson "github.com/goccy/go-json"
)

// newGoJSON decodes with goccy/go-json, which behaves as encoding/json does. It does not write to the body:
// the copy with a NUL behind it that it parses is in a buffer that it pools. With DecodeNoCopyString, strings without
// an escape borrow the body. The raw value is json.RawMessage because the library hands that type the bytes as they
// are; for a type of ours it would allocate a copy first.
//
// Of the rest of its advice, UnmarshalNoEscape is deprecated and UnmarshalOf is for values on the stack;
// DecodeFieldPriorityFirstWin, which skips the rest of an object once every field was seen, gained nothing measurable.
func newGoJSON() *records[json.RawMessage] {
	options := []gojson.DecodeOptionFunc{gojson.DecodeNoCopyString()}
	return &records[json.RawMessage]{unmarshal: func(body []byte, v any) error {
		return gojson.UnmarshalWithOption(body, v, options...)
	}}
}
