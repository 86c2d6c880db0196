package enginetest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines/naive"
)

func TestGeneratorKeepsItsWord(t *testing.T) {
	g := NewGenerator(1)
	o := NewObserver(naive.New())
	var count [Kinds]int
	verdicts := map[Verdict]int{}
	for range Scale(50_000) {
		body := g.Next()
		out := o.Observe(body)
		require.Empty(t, out.Complain)
		count[g.Kind()]++
		if want := g.Kind().Want(); want != Broken {
			require.Equalf(t, want, out.Verdict, "a %v body: %+v %q", g.Kind(), out.Fields, body)
		} else {
			verdicts[out.Verdict]++
		}
	}
	for kind := range Kinds {
		assert.NotZero(t, count[kind], kind)
	}
	assert.NotZero(t, verdicts[Accept], "mutations that stay accepted")
	assert.NotZero(t, verdicts[Schema], "mutations that stay well-formed")
	assert.Greater(t, verdicts[Syntax], verdicts[Accept])
	t.Logf("bodies by kind %v, mutated ones by verdict %v", count, verdicts)
}

func TestGeneratorRepeatsItself(t *testing.T) {
	a, b, other := NewGenerator(7), NewGenerator(7), NewGenerator(8)
	same := 0
	for range 100 {
		body := bytes.Clone(a.Next())
		require.Equal(t, string(body), string(b.Next()))
		if bytes.Equal(body, other.Next()) {
			same++
		}
	}
	assert.Less(t, same, 100)
}

func TestGeneratorAllocatesNothingInSteadyState(t *testing.T) {
	if stride > 1 {
		t.Skip("the race detector allocates")
	}
	g := NewGenerator(3)
	for range 20_000 {
		g.Next()
	}
	assert.Less(t, testing.AllocsPerRun(20_000, func() { g.Next() }), 0.01)
}

func BenchmarkGenerator(b *testing.B) {
	g := NewGenerator(1)
	for b.Loop() {
		b.SetBytes(int64(len(g.Next())))
	}
}
