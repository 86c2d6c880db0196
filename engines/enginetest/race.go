//go:build race

package enginetest

// Under the race detector, which slows decoders by ten, only some paddings are tried, different ones for each
// fragment, and hostile bodies are smaller.
const (
	stride = 9
	shrink = 16
)
