package naive_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"metricstream/engines/enginetest"
	"metricstream/engines/naive"
	"metricstream/pkg/metric"
)

// The engine behind --json-engine=naive has the project's slow path describe its faults. Alone it must reach the same
// verdicts and lists, from code of its own: that makes it a witness.
func TestContractAlone(t *testing.T) {
	o := enginetest.NewObserver(naive.New())
	for c := range enginetest.Tables {
		assert.NoError(t, o.Check(c))
	}
	for c := range enginetest.Placements {
		assert.NoError(t, o.Check(c))
	}
}

func TestOffsetOfSyntaxError(t *testing.T) {
	for _, c := range []struct {
		body   string
		offset int
	}{
		{``, 0},
		{` x`, 1},
		{`{"metrics":[}`, 12},
		{`{"metrics":[]} x`, 15},
		{`{"a":1,"a":2}`, 7},
		{`{"a":01}`, 6},
		{`{"a":-}`, 6},
		{`{"a":1.}`, 7},
		{`{"a":1e}`, 7},
		{`{"a":nul}`, 5},
		{`{"a" 1}`, 5},
		{`{"a":1 "b":2}`, 7},
		{`{"a":[1 2]}`, 8},
		{`{a:1}`, 1},
		{"{\"a\x01\":1}", 3},
		{"{\"a\xff\":1}", 3},
		{`{"a\x":1}`, 4},
		{`{"\u12":1}`, 6},
		{`{"\ud800":1}`, 3},
		{`{"a`, 3},
		{strings.Repeat("[", 40), metric.MaxDepth},
	} {
		var batch metric.Batch
		var syntax *metric.SyntaxError
		require.ErrorAs(t, naive.New().Decode(&batch, []byte(c.body)), &syntax, c.body)
		assert.Equal(t, c.offset, syntax.Offset, c.body)
		assert.NotEmpty(t, syntax.Detail)
	}
}

func TestResultBorrowsNothing(t *testing.T) {
	body := []byte(`{"metrics":[{"name":"cpu","value":1,"type":"gauge","tags":{"host":"server"}}]}`)
	var batch metric.Batch
	require.NoError(t, naive.New().Decode(&batch, body))
	clear(body)
	assert.Equal(t, "cpu", batch.Metrics[0].Name)
	assert.Equal(t, []metric.Tag{{Key: "host", Value: "server"}}, batch.TagsOf(0))
}
