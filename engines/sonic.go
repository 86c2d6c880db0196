package engines

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strconv"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/decoder"

	"metricstream/pkg/metric"
)

// Options of bytedance/sonic, both without OptionCopyString, so that strings borrow the body.
const (
	sonicFastest = decoder.OptionNoValidateJSON // what sonic.ConfigFastest sets for decoding
	// Under the guard, which has checked what the library would skip unseen. Exact names the library can do by itself.
	sonicGuarded = sonicFastest | decoder.OptionCaseSensitive
)

// newSonic decodes with bytedance/sonic. The library's own decoder object is reused: an API frozen from a sonic.Config
// takes the same path, but its Unmarshal copies the body, and its UnmarshalFromString allocates such an object.
func newSonic(options decoder.Options) *records[sonic.NoCopyRawMessage] {
	dec := decoder.NewDecoder("")
	dec.SetOptions(options)
	return &records[sonic.NoCopyRawMessage]{borrows: true, unmarshal: func(body []byte, v any) error {
		dec.Reset(view(body))
		defer dec.Reset("") // keep no request alive
		if err := dec.Decode(v); err != nil {
			return err
		}
		return dec.CheckTrailings()
	}}
}

// sonicInRange gives the library a second chance without the numbers that no double holds. Its decoder for arm64
// (and for SONIC_USE_OPTDEC=1) converts even the numbers in values that it ignores, and refuses the body for them.
type sonicInRange struct {
	*records[sonic.NoCopyRawMessage]
}

func (d sonicInRange) Decode(dst *metric.Batch, body []byte) error {
	err := d.records.Decode(dst, body)
	if err == nil {
		return nil
	}
	if masked := maskOverflows(body); masked != nil {
		return d.records.Decode(dst, masked)
	}
	return err
}

// maskOverflows returns a copy of body, which the guard has accepted, with every number beyond the range of a double
// overwritten by an empty array, or nil when there is none. It changes no verdict: where the number was ignored, so is
// the array, and wherever else the number was wrong, so is the array.
func maskOverflows(body []byte) (masked []byte) {
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			for i++; body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case c == '-' || c-'0' <= 9:
			end := i
			for end < len(body) && isNumberByte(body[end]) {
				end++
			}
			if v, _ := strconv.ParseFloat(view(body[i:end]), 64); math.IsInf(v, 0) {
				if masked == nil {
					masked = append(masked, body...)
				}
				for j := copy(masked[i:end], "[]"); i+j < end; j++ {
					masked[i+j] = ' '
				}
			}
			i = end - 1
		}
	}
	return masked
}

func isNumberByte(c byte) bool {
	return c-'0' <= 9 || c == '-' || c == '+' || c == '.' || c|0x20 == 'e'
}

func checkSonic() error { return checkSonicKind(sonic.APIKind) }

// checkSonicKind refuses builds in which the library falls back to encoding/json, and has it compile our types,
// for which the first request would wait otherwise.
func checkSonicKind(kind int) error {
	if kind != sonic.UseSonicJSON {
		return fmt.Errorf("sonic runs its own code only on amd64 and arm64 with Go up to 1.27; "+
			"this build, %s with %s, would silently use encoding/json", runtime.GOARCH, runtime.Version())
	}
	if err := sonic.Pretouch(reflect.TypeOf(records[sonic.NoCopyRawMessage]{}.envelope)); err != nil {
		return fmt.Errorf("cannot compile sonic's decoder: %w", err)
	}
	return nil
}
