package ingest

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTraceparent(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, c := range []struct {
		value          string
		valid, sampled bool
	}{
		{"00-" + trace + "-" + span + "-01", true, true},
		{"00-" + trace + "-" + span + "-00", true, false},
		{"00-" + trace + "-" + span + "-03", true, true},
		{"cc-" + trace + "-" + span + "-01", true, true},
		{"cc-" + trace + "-" + span + "-01-more", true, true},
		{"cc-" + trace + "-" + span + "-01more", false, false},
		{"00-" + trace + "-" + span + "-01-more", false, false},
		{"ff-" + trace + "-" + span + "-01", false, false},
		{"00-" + strings.ToUpper(trace) + "-" + span + "-01", false, false},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01", false, false},
		{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", false, false},
		{"00-" + trace + "_" + span + "-01", false, false},
		{"00-" + trace + "-" + span + "-0g", false, false},
		{"00-" + trace + "-" + span + "-1", false, false},
		{"", false, false},
	} {
		got, sampled, valid := parseTraceparent([]byte(c.value))
		assert.Equal(t, c.valid, valid, c.value)
		assert.Equal(t, c.sampled, sampled, c.value)
		assert.Equal(t, c.valid, got.TraceID[0] == 0x0a && got.SpanID[7] == 0x31, c.value)
	}
}

func TestPreference(t *testing.T) {
	for list, want := range map[string]bool{
		"handling=lenient": true, "Handling=Lenient": true, `handling="lenient"`: true, ` handling = lenient ;x`: true,
		"a,handling=lenient": true, `a="b,c",handling=lenient`: true, `a="\",handling=strict",handling=lenient`: true,
		"handling=strict": false, "handling=strict,handling=lenient": false, "handling": false, "xhandling=lenient": false,
		`a="handling=lenient`: false, `a;handling=lenient`: false, "": false, ",,": false, `handling="`: false, `a=\`: false, `a="\`: false,
	} {
		var p preference
		p.add([]byte(list))
		assert.Equal(t, want, p.lenient, list)
	}
}

// The scan stands on its own where fasthttp has refused a block before.
func TestHeadFaults(t *testing.T) {
	for raw, fault := range map[string]string{
		"A: b\r\n\r\n":             "",
		"A: b\r\n":                 "",
		"":                         "",
		"A: b":                     "a header line does not end in CR LF",
		"A: b\nC: d\r\n\r\n":       "a header line does not end in CR LF",
		"\n":                       "a header line does not end in CR LF",
		"A: b\r\n\r\nC: d\r\n\r\n": "a header line does not end in CR LF",
		"A: b\r\n c\r\n\r\n":       "a header field is folded over several lines",
		"A : b\r\n\r\n":            "a header field's name is not a token",
		": b\r\n\r\n":              "a header field's name is not a token",
		"Transfer-Encoding: gzip, chunked\r\n\r\n":                         "the transfer coding is not chunked, and chunked alone",
		"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n": "the transfer coding is not chunked, and chunked alone",
		"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n":          "both Content-Length and Transfer-Encoding are given",
		"Content-Length: 1\r\nContent-Length: 1\r\n\r\n":                   "Content-Length is not one number",
		"Content-Length:\r\n\r\n":                                          "Content-Length is not one number",
		"Content-Length: +1\r\n\r\n":                                       "Content-Length is not one number",
		"Content-Length: 9999999999999999999\r\n\r\n":                      "Content-Length is not one number",
	} {
		var hd head
		hd.parse([]byte(raw + ""))
		assert.Equal(t, fault, hd.fault, "%q", raw)
	}
	var hd head
	hd.parse([]byte("A : b\r\nX-Correlation-ID: c\r\n\r\n"))
	assert.Equal(t, "c", string(hd.correlation.value), "the id is found behind a fault")
	for raw, length := range map[string]int{
		"A: b\r\n\r\n":                                            0,
		"content-length: 0123 \r\n\r\n":                           123,
		"Content-Length: 922337203685477580\r\n\r\n":              922337203685477580,
		"Content-Length: 1,1\r\n\r\n":                             unknown,
		"Transfer-Encoding: CHUNKED\r\n\r\n":                      unknown,
		"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n": unknown,
	} {
		hd.parse([]byte(raw))
		assert.Equal(t, length, hd.length, raw)
	}
}

// A body that arrives byte by byte moves from class to class, and no class holds more than four times of it.
func TestFill(t *testing.T) {
	p := newBufferPool(100 << 10)
	assert.Equal(t, []int{4 << 10, 16 << 10, 64 << 10, 100<<10 + 1}, p.sizes)
	for _, size := range []int{0, 1, 4 << 10, 4<<10 + 1, 70 << 10, 100 << 10} {
		want := strings.Repeat("x", size)
		buf, err := p.fill(p.get(0), iotest.OneByteReader(strings.NewReader(want)), 100<<10)
		require.NoError(t, err)
		assert.Equal(t, want, string(buf.b))
		assert.LessOrEqual(t, cap(buf.b), max(smallestBuffer, bufferGrowth*max(size, 1)+bufferGrowth))
		p.put(buf)
	}
	buf, err := p.fill(p.get(0), strings.NewReader(strings.Repeat("x", 100<<10+1)), 100<<10)
	assert.Equal(t, errTooLarge, err)
	p.put(buf)
	_, err = p.fill(p.get(0), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("xx"))), 10)
	assert.Equal(t, iotest.ErrTimeout, err)
	assert.Equal(t, 1<<10+1, cap(newBufferPool(1<<10).get(9).b))
}

func TestLogGate(t *testing.T) {
	var g logGate
	skipped, pass := g.pass(queueFull, 100)
	assert.True(t, pass)
	assert.Zero(t, skipped)
	for range 5 {
		_, pass = g.pass(queueFull, 100)
		assert.False(t, pass)
	}
	_, pass = g.pass(storageFailed, 100)
	assert.True(t, pass, "kinds are apart")
	skipped, pass = g.pass(queueFull, 101)
	assert.True(t, pass)
	assert.EqualValues(t, 5, skipped)
}

// The line after a pause says how many were left out.
func TestSkippedIsLogged(t *testing.T) {
	var b strings.Builder
	h := &Handler{log: slog.New(slog.NewTextHandler(&b, nil))}
	h.gate[queueFull].skipped.Store(41)
	x := &exchange{h: h, id: []byte("id")}
	x.started = x.started.AddDate(2000, 0, 0)
	x.logRefusal(&problem{kind: queueFull, cause: io.ErrShortWrite})
	assert.Contains(t, b.String(), "skipped=41")
	assert.Contains(t, b.String(), "short write")
}

// fasthttp's messages quote headers; the log does not.
func TestServerLogDropsArguments(t *testing.T) {
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	serverLog{log}.Printf("cannot read %q", "Authorization: secret")
	assert.Contains(t, b.String(), "cannot read")
	assert.NotContains(t, b.String(), "secret")
}

// Every kind of problem can be told apart, and every status counted.
func TestSpecs(t *testing.T) {
	m, err := newMetrics("x", nil)
	require.NoError(t, err)
	seen := map[string]bool{}
	for k := none + 1; k < kinds; k++ {
		spec := specs[k]
		assert.Regexp(t, `^[a-z-]+$`, spec.slug)
		assert.False(t, seen[spec.slug], spec.slug)
		seen[spec.slug] = true
		assert.NotEmpty(t, spec.title)
		assert.NotNil(t, m.requests[spec.status], spec.slug)
		assert.Equal(t, spec.status == 503, spec.retryAfter > 0, spec.slug)
	}
}
