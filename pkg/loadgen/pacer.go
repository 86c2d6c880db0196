package loadgen

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Pacer gives the arrival times of the open model. It need not be safe for concurrent use.
type Pacer interface {
	// Next returns the time of the next arrival since the start of the run; it never goes back.
	Next() time.Duration
}

// Constant is a Pacer with the same time between all arrivals, the first at 0.
type Constant struct {
	interval float64 // in nanoseconds
	n        float64
}

// NewConstant returns a Constant of that many arrivals per second.
func NewConstant(rate float64) (*Constant, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	return &Constant{interval: 1e9 / rate}, nil
}

// Next implements Pacer. It multiplies, for adding a rounded interval again and again would drift.
func (c *Constant) Next() time.Duration {
	at := time.Duration(c.n * c.interval)
	c.n++
	return at
}

// Poisson is a Pacer with independent, exponentially distributed times between arrivals: those of many
// clients who know nothing of each other. The same seed gives the same arrivals.
type Poisson struct {
	interval float64 // mean, in nanoseconds
	at       float64
	rng      *rand.Rand
}

// NewPoisson returns a Poisson of that many arrivals per second on average.
func NewPoisson(rate float64, seed uint64) (*Poisson, error) {
	if err := checkRate(rate); err != nil {
		return nil, err
	}
	return &Poisson{interval: 1e9 / rate, rng: rand.New(rand.NewPCG(seed, 0))}, nil
}

// Next implements Pacer.
func (p *Poisson) Next() time.Duration {
	p.at += p.rng.ExpFloat64() * p.interval
	return time.Duration(p.at)
}

// checkRate bounds a rate such that a run of a century stays within a Duration.
func checkRate(rate float64) error {
	if !(rate >= 1e-6) || math.IsInf(rate, 1) {
		return fmt.Errorf("cannot pace at %v requests per second: the rate must be finite and at least 1e-6", rate)
	}
	return nil
}
