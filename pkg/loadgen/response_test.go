package loadgen

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResponsesThatAreRead(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	for name, tt := range map[string]struct {
		text    string
		status  int
		closing bool
	}{
		"length":              {accepted, 202, false},
		"no reason":           {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, false},
		"names in any case":   {"HTTP/1.1 200 OK\r\ncONTENT-lENGTH:\t 1 \r\n\r\nx", 200, false},
		"large body":          {fmt.Sprintf("HTTP/1.1 503 No\r\nContent-Length: %d\r\n\r\n%s", len(long), long), 503, false},
		"close":               {"HTTP/1.1 429 No\r\nConnection: foo , Close\r\nContent-Length: 0\r\n\r\n", 429, true},
		"no content":          {"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, false},
		"not modified":        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, false},
		"1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, true},
		"1.0 keep-alive":      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 200, false},
		"until close":         {"HTTP/1.1 200 OK\r\n\r\n" + long, 200, true},
		"chunked":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n1A;ext=\"1\"\r\n" + long[:26] + "\r\n0\r\n\r\n", 200, false},
		"chunked, trailers":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n000\r\nDigest: 1\r\nOther: 2\r\n\r\n", 200, false},
		"informational first": {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + accepted, 202, false},
		"other names of the same length": {"HTTP/1.1 200 OK\r\nConnectIon: x\r\nX-Colour-1: 1\r\nContent-Lengxx: a\r\nTransfer-Encodinx: y\r\n" +
			"Abcdefghij: close\r\nContent-Length: 0\r\n\r\n", 200, false},
	} {
		for way, src := range map[string]io.Reader{"at once": strings.NewReader(tt.text), "by bytes": iotest.OneByteReader(strings.NewReader(tt.text))} {
			r := newResponseReader()
			r.reset(src)
			status, closing, err := r.next()
			require.NoError(t, err, "%s, %s", name, way)
			assert.Equal(t, tt.status, status, name)
			assert.Equal(t, tt.closing, closing, name)
			assert.EqualValues(t, len(tt.text), r.received, name)
		}
	}
}

func TestResponsesThatAreMalformed(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, text := range []string{
		"\r\n", "garbage\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 200 OK\n\n", "\n",
		ok + "no colon\r\n\r\n", ok + ": 1\r\n\r\n", ok + "Name : 1\r\n\r\n", ok + "A: 1\r\n folded\r\n\r\n",
		ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", ok + "Content-Length: -1\r\n\r\n", ok + "Content-Length: +1\r\n\r\n", ok + "Content-Length: 1a\r\n\r\n",
		ok + "Content-Length:\r\n\r\n", ok + "Content-Length: 1234567890123456\r\n\r\n", ok + "Content-Length: 1, 1\r\n\r\nx",
		ok + "Transfer-Encoding: gzip\r\n\r\n", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\n1g\r\n",
		ok + "X: " + strings.Repeat("x", maxLine) + "\r\n\r\n",
		accepted + "H",
		"HTTP/1.1 100 Continue\r\nbad\r\n\r\n" + accepted,
	} {
		r := newResponseReader()
		r.reset(strings.NewReader(text))
		_, closing, err := r.next()
		assert.ErrorIs(t, err, errMalformed, "%.80q", text)
		assert.True(t, closing, "%.80q", text)
		assert.Equal(t, Malformed, causeOf(err))
		assert.Less(t, len(fmt.Sprint(err)), 300, "an error shows a short excerpt")
	}
}

// Wherever a response is cut off, that is an early end and nothing else.
func TestResponsesThatAreCutOff(t *testing.T) {
	for _, text := range []string{
		accepted,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: 1\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	} {
		for cut := range len(text) {
			r := newResponseReader()
			r.reset(strings.NewReader(text[:cut]))
			_, _, err := r.next()
			if cut == 0 {
				assert.Equal(t, io.EOF, err)
			}
			assert.Equal(t, Closed, causeOf(err), "%q: %v", text[:cut], err)
		}
	}
	r := newResponseReader()
	r.reset(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n\r\nab"), iotest.ErrReader(io.ErrNoProgress)))
	_, _, err := r.next()
	assert.Equal(t, io.ErrNoProgress, err, "an error is no end of the body")
}
