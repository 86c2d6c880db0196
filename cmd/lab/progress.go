package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells on stderr how far the run is and how long it will take.
type progress struct {
	w        io.Writer
	terminal bool
	start    time.Time
	last     time.Time     // when it was written
	done     time.Duration // of the total, as planned
	total    time.Duration
}

func newProgress(w io.Writer, total time.Duration) *progress {
	p := &progress{w: w, start: time.Now(), total: total}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// add says that a part is done that was planned to take d, and writes a line if the last is some time ago.
func (p *progress) add(d time.Duration, format string, args ...any) {
	p.done += d
	every := 15 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if p.done < p.total && time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	begin, end := "", "\n"
	if p.terminal && p.done < p.total {
		begin, end = "\r\x1b[K", ""
	} else if p.terminal {
		begin = "\r\x1b[K"
	}
	fmt.Fprintf(p.w, "%s%s, %v left%s", begin, fmt.Sprintf(format, args...), p.left(time.Since(p.start)), end)
}

// left estimates the time left after so much of it: the rest of the plan, at the pace up to now.
func (p *progress) left(elapsed time.Duration) time.Duration {
	if p.done <= 0 {
		return p.total.Round(time.Second)
	}
	return time.Duration(float64(elapsed) * float64(p.total-p.done) / float64(p.done)).Round(time.Second)
}
