package engines

import "encoding/json"

// newStdJSON decodes with encoding/json. It validates a body before it decodes, but replaces invalid UTF-8 and lone
// surrogates, nests to 10,000, merges repeated members and folds the case of names.
func newStdJSON() *records[json.RawMessage] {
	return &records[json.RawMessage]{unmarshal: json.Unmarshal}
}
