package ratelimit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzLimiter reads a history from its input and holds the limiter against a log of it. The first three bytes choose
// limit, capacity and whether times come late; then each byte is a request: two bits of client, six of time.
func FuzzLimiter(f *testing.F) {
	f.Add([]byte("\x00\x00\x00 one at a time: the limit of 1, one place, in order"))
	f.Add([]byte("\x03\x01\x01 late times, clients that come, share and leave"))
	f.Add([]byte("\x46\x03\x00\x00\x00\x00\x00\x00\x00\x00\xfc\x00\xfc\x3f\x3e"))
	f.Add(append([]byte("\x40\x00\x00"), make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, history []byte) {
		if len(history) < 3 {
			return
		}
		const window = 1000 * time.Nanosecond
		limit, capacity, late := int(history[0])+1, int(history[1]%4)+1, history[2]&1 != 0
		l := newLimiter(t, Config{Limit: limit, Window: window, Capacity: capacity})
		slack := (limit+maxGroups-1)/maxGroups - 1

		var clock time.Duration
		logs := make([]exactLog, 4)
		var r record
		for _, b := range history[3:] {
			client, move := b>>6, time.Duration(b&63)
			at := clock
			switch {
			case move == 63:
				clock += window
				at = clock
			case move == 62 && late:
				at = max(0, clock-window)
			case move >= 32 && late:
				at = max(0, clock-(move-32)*16)
			default:
				clock += move * 8
				at = clock
			}
			name := fmt.Sprint(client)
			log := &logs[client]
			log.window = window
			alone := true // nobody shares, so that the client's own log is all that may refuse it
			for i := range logs {
				alone = alone && (i == int(client) || len(logs[i].times) == 0)
			}
			wait, ok := allow(l, name, at)
			switch {
			case ok:
				require.Zero(t, wait)
				r.add(name, []time.Duration{at})
				if !late {
					log.times = append(log.times, at)
				}
			case wait <= 0 || wait > window+clock-at:
				t.Fatalf("refused at %v with a wait of %v", at, wait)
			case !late && (alone || capacity == len(logs)):
				require.GreaterOrEqual(t, log.inWindow(at), limit-slack, "refused at %v", at)
			}
		}
		r.requireWithin(t, limit, window)
	})
}
