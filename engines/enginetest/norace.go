//go:build !race

package enginetest

// stride is the step between paddings, and shrink by how much hostile bodies are smaller than a mebibyte.
const (
	stride = 1
	shrink = 1
)
