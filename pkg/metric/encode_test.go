package metric

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAppendJSONLines(t *testing.T) {
	b := Batch{Received: 1758116723_000000000}
	b.Metrics = []Metric{
		{Name: "cpu_usage", Value: 75.5, Type: Gauge, Time: 1758116723_123000000, TagStart: 0, TagEnd: 1},
		{Name: "requests:total", Value: 4500000000, Type: Counter, Time: NoTime, TagStart: 1, TagEnd: 3},
		{Name: "x", Value: 1e21, Type: Histogram, Time: 1},
		{Name: "y", Value: -1e-7, Type: Summary, Time: 1000},
	}
	b.Tags = []Tag{{"host", "server1"}, {"a", "q\"b\\c\b\f\n\r\t\x00\x1f\x7f\u2028é"}, {"b", ""}}
	const want = `{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}
{"timestamp":"2025-09-17T13:45:23.000Z","name":"requests:total","value":4500000000,"type":"counter","tags":{"a":"q\"b\\c\b\f\n\r\t\u0000\u001f` + "\x7f\u2028é" + `","b":""}}
{"timestamp":"1970-01-01T00:00:00.000000001Z","name":"x","value":1e+21,"type":"histogram"}
{"timestamp":"1970-01-01T00:00:00.000001Z","name":"y","value":-1e-7,"type":"summary"}
`
	assert.Equal(t, "before "+want, string(b.AppendJSONLines([]byte("before "))))
}

// encoding/json is the oracle for numbers.
func TestFloatsPrintAsEncodingJSONPrintsThem(t *testing.T) {
	values := []float64{0, math.Copysign(0, -1), 1, -1, 1e20, 1e21, -1e21, 1e-6, 9.99e-7, 1e-9, 1e-10, 1e100, 5e-324, math.MaxFloat64,
		1 << 53, 1<<53 + 2, 1e15, 1e16, 123456789012345680, 0.1, 1.0 / 3}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		v := math.Float64frombits(r.Uint64())
		if v-v == 0 {
			values = append(values, v, math.Trunc(math.Mod(v, 1e17)), float64(r.IntN(1e6))/100)
		}
	}
	for _, v := range values {
		if v == 0 {
			require.Equal(t, "0", string(appendFloat(nil, v))) // -0 too
			continue
		}
		want, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendFloat(nil, v)))
	}
}

func TestAppendJSONStringReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	alphabet := []rune("ab\"\\/\b\f\n\r\t\x00\x01\x1f\x7f é€😀\u2028<>&")
	for range 20_000 {
		runes := make([]rune, r.IntN(20))
		for i := range runes {
			runes[i] = alphabet[r.IntN(len(alphabet))]
		}
		var got string
		line := AppendJSONString(nil, string(runes))
		require.NoError(t, json.Unmarshal(line, &got), "%q", line)
		require.Equal(t, string(runes), got)
	}
}

func TestLinesShareNoMemoryWithTheBatch(t *testing.T) {
	body := []byte("cpu host server1")
	s := unsafe.String(&body[0], len(body))
	b := Batch{Metrics: []Metric{{Name: s[:3], Type: Gauge, TagEnd: 1}}, Tags: []Tag{{s[4:8], s[9:]}}}
	lines := b.AppendJSONLines(nil)
	want := string(lines)
	for i := range body {
		body[i] = 'X'
	}
	assert.Equal(t, want, string(lines))
	assert.Contains(t, want, "server1")
}
