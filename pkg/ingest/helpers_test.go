package ingest_test

import (
	"bufio"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sum(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// parse reads a whole response from memory.
func parse(t testing.TB, wire string) reply {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(wire)), nil)
	require.NoError(t, err)
	return readReply(t, resp)
}

func itoa(n int) string { return strconv.Itoa(n) }

func admitAll([]byte, time.Time) (time.Duration, bool) { return 0, true }

// waitInFlight waits until the service has n requests in hand.
func waitInFlight(t testing.TB, s *service, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return s.counter(t, "metricstream_http_requests_in_flight") == float64(n) },
		10*time.Second, 5*time.Millisecond)
}
