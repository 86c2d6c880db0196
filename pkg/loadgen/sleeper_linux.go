package loadgen

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// sleeper lets one goroutine wait until the time of its next request.
//
// It is a timerfd in the runtime's poller. An idle Go process wakes from time.Sleep up to a millisecond late,
// for the poller's timeout has that grain; a file descriptor wakes it some tens of microseconds late. Yielding in a
// loop would be as exact, but would take a processor from the server that is measured.
type sleeper struct {
	fd     int
	file   *os.File // owns fd
	forget func() bool
	expiry [8]byte
}

// newSleeper returns a sleeper whose waits the end of ctx ends.
func newSleeper(ctx context.Context) (*sleeper, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create a timer: %w", err)
	}
	file := os.NewFile(uintptr(fd), "timerfd")
	return &sleeper{fd: fd, file: file, forget: context.AfterFunc(ctx, func() { file.SetReadDeadline(time.Unix(1, 0)) })}, nil
}

// sleep waits for d and reports whether it did so to the end.
func (s *sleeper) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(s.fd, 0, &spec, nil); err != nil {
		return false // cannot be: the descriptor and the value are good
	}
	_, err := s.file.Read(s.expiry[:])
	return err == nil
}

func (s *sleeper) close() {
	s.forget()
	s.file.Close()
}
