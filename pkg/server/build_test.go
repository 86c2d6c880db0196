package server

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBuildSaysItsToolchain(t *testing.T) {
	b := ReadBuild()
	assert.NotEmpty(t, b.Version)
	assert.Equal(t, runtime.Version(), b.GoVersion)
	assert.Equal(t, "metricstream "+b.Version+" "+runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH, b.String())
}
