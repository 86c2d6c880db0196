//go:build race

package ingest_test

const raceEnabled = true // sync.Pool then drops at random, and nothing can be said of allocations
