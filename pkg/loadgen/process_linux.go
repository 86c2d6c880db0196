package loadgen

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// tick is the unit of the CPU times in /proc/PID/stat: USER_HZ is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// ReadProcess reads what /proc says of the process pid. CPU times come in steps of 10 ms.
func ReadProcess(pid int) (Process, error) {
	fail := func(err error) (Process, error) { return Process{}, fmt.Errorf("cannot read process %d: %w", pid, err) }
	p, err := procfs.NewProc(pid)
	if err != nil {
		return fail(err)
	}
	stat, err := p.Stat()
	if err != nil {
		return fail(err)
	}
	status, err := p.NewStatus()
	if err != nil {
		return fail(err)
	}
	return Process{
		User:         time.Duration(stat.UTime) * tick,
		System:       time.Duration(stat.STime) * tick,
		Resident:     status.VmRSS,
		PeakResident: status.VmHWM,
	}, nil
}
