//go:build !linux

package loadgen

import (
	"errors"
	"fmt"
)

// ReadProcess fails: the figures are read from /proc, which is Linux's.
func ReadProcess(pid int) (Process, error) {
	return Process{}, fmt.Errorf("cannot read process %d: %w: it needs the /proc of Linux", pid, errors.ErrUnsupported)
}
