package ingest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// BenchmarkHandle is one request of one metric from the parsed header to the response, with a sink that costs nothing.
func BenchmarkHandle(b *testing.B) {
	h := quiet(b, nil)
	var ctx fasthttp.RequestCtx
	ctx.Init2(nil, nil, false)
	load(b, &ctx, request("Content-Type: application/json", "User-Agent: x", length)+good)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		h.Handle(&ctx)
	}
	require.Equal(b, 202, ctx.Response.StatusCode())
}
