package telemetry

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHealthReports(t *testing.T) {
	var h Health
	var fault error
	expect := func(when string, ready bool, short, long string) {
		t.Helper()
		gotReady, gotShort := h.Report(false)
		gotVerbose, gotLong := h.Report(true)
		assert.Equal(t, ready, gotReady, when)
		assert.Equal(t, ready, gotVerbose, when)
		assert.Equal(t, short, gotShort, when)
		assert.Equal(t, long, gotLong, when)
	}

	expect("without a check", true, "", "[+]shutdown ok")

	h.Add("journal", func() error { return fault })
	expect("with a check that passes", true, "", "[+]shutdown ok\n[+]journal ok")

	fault = errors.New("disk full")
	expect("with a check that fails", false, "journal: disk full",
		"[+]shutdown ok\n[-]journal failed: disk full")

	h.Drain()
	expect("draining and failing", false,
		"shutdown: the server is draining\njournal: disk full",
		"[-]shutdown failed: the server is draining\n[-]journal failed: disk full")
}

func TestHealthIsSafeForConcurrentUse(t *testing.T) {
	var h Health
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			h.Add("check", func() error { return nil })
			h.Report(true)
			h.Drain()
			ready, _ := h.Report(false)
			assert.False(t, ready, "a drained server is never ready again")
		})
	}
	wg.Wait()
}
