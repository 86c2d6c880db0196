//go:build !linux

package main

import (
	"time"

	"metricstream/pkg/loadgen"
)

// processCPU returns the CPU time of the process pid.
func processCPU(pid int) (time.Duration, error) {
	p, err := loadgen.ReadProcess(pid)
	return p.CPU(), err
}
