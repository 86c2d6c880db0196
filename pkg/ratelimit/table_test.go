package ratelimit

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesAreComparedNotOnlyHashes(t *testing.T) {
	tab := newTable(4)
	tab.insert(&entry{hash: 42, key: "a"})
	assert.Nil(t, tab.find(42, []byte("b")))
	assert.NotNil(t, tab.find(42, []byte("a")))
}

// The clients of one bucket expire at different times, in and against their order in the chain.
func TestSweep(t *testing.T) {
	const length = 100 * time.Second
	r := newRule(3, length)
	for name, at := range map[string][]time.Duration{
		"rising":  {0, 1, 2, 3, 4, 5},
		"falling": {5, 4, 3, 2, 1, 0},
		"mixed":   {3, 5, 0, 4, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tab := newTable(1)
			fresh := window{leaves: make([]atomic.Int64, r.slots)}
			for i, at := range at {
				e := &entry{hash: uint64(i), key: string(rune('a' + i))}
				r.fork(&e.window, &fresh, 0)
				_, live := r.admit(&e.window, at)
				require.True(t, live)
				tab.insert(e)
			}
			out := tab.find(5, []byte("f"))
			n, latest := tab.sweep(7, length+3)
			assert.Equal(t, 4, n)
			assert.Equal(t, length+3, latest, "when the last that left had expired")
			for i, at := range at {
				e := tab.find(uint64(i), []byte{byte('a' + i)})
				assert.Equal(t, at > 3, e != nil, "client admitted at %d", at)
			}
			n, latest = tab.sweep(7, length+3)
			assert.Zero(t, n)
			assert.Zero(t, latest)
			if at[5] <= 3 {
				_, live := r.admit(&out.window, length+3)
				assert.False(t, live, "who still holds an entry that was taken out must look again")
			}
		})
	}
}

func TestCacheLines(t *testing.T) {
	assert.EqualValues(t, 64, unsafe.Sizeof(entry{}), "one client, one cache line")
	assert.Zero(t, unsafe.Sizeof(stats{}[0])%128, "stripes must not share lines")
}

// An admission to a window that is being retired would be forgotten.
func TestAdmissionAndRetirementExcludeEachOther(t *testing.T) {
	const rounds = 50_000
	r := newRule(1, time.Second)
	windows := make([]window, rounds)
	for i := range windows {
		windows[i].leaves = make([]atomic.Int64, r.slots)
	}
	var admitted, left [rounds]bool
	var begun [2]atomic.Int64
	race := func(self int, act func(i int)) {
		for i := range rounds {
			begun[self].Store(int64(i))
			for begun[1-self].Load() < int64(i) {
				runtime.Gosched()
			}
			act(i)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		race(0, func(i int) { _, admitted[i] = r.admit(&windows[i], time.Second) })
	})
	wg.Go(func() {
		race(1, func(i int) { _, left[i] = windows[i].retire(time.Second) })
	})
	wg.Wait()
	for i := range rounds {
		require.NotEqual(t, admitted[i], left[i], "round %d: exactly one must win", i)
	}
}
