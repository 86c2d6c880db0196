package loadgen

import (
	"syscall"
	"time"
)

// Process is what the operating system says of a process at one time.
type Process struct {
	User         time.Duration // CPU time since its start, of all its threads, ended ones too
	System       time.Duration
	Resident     uint64 // bytes of its memory that are in RAM
	PeakResident uint64 // the most that Resident ever was
}

// CPU returns the user and system time together.
func (p Process) CPU() time.Duration { return p.User + p.System }

// cpuTime returns the user and system time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a bad argument alone
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
