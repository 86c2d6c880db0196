//go:build race

package ratelimit

// raceDetector says whether the tests run under the race detector, which makes an atomic operation some 100 times slower.
const raceDetector = true
