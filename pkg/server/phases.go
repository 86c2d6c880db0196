package server

import "fmt"

const phaseCount = 5

// phases are the steps in which the project grew, each as settings in place of the defaults:
// what `--phase` stands for. docs/phases tells their story.
func phases() [phaseCount]map[string]string {
	return [phaseCount]map[string]string{
		// 0: the first that works. One request at a time: parse, write(2), answer.
		{"json-engine": "naive", "writer": "direct", "ack": "written", "max-in-flight": "1"},
		// 1: concurrent. Requests are parsed at once, and meet at the file's lock.
		{"json-engine": "naive", "writer": "direct", "ack": "written", "max-in-flight": "0"},
		// 2: grouped. One goroutine writes for all; an answer waits for a copy in memory, not for the file.
		{"json-engine": "naive", "writer": "grouped", "ack": "memory", "max-in-flight": "0"},
		// 3: the custom engine, in place of one that copies every substring.
		{"json-engine": "custom", "writer": "grouped", "ack": "memory", "max-in-flight": "0"},
		// 4: bounds. Under more load than it can carry it holds less memory and fewer runnable goroutines.
		{"json-engine": "custom", "writer": "grouped", "ack": "memory", "max-in-flight": "256",
			"max-conns": "4096", "queue-bytes": "16MiB"},
	}
}

// PhaseConfig returns the defaults with the settings of phase n.
func PhaseConfig(n int) (Config, error) {
	cfg := DefaultConfig()
	if n < 0 || n >= phaseCount {
		return cfg, fmt.Errorf("%w: no phase %d; there are 0 to %d", ErrConfig, n, phaseCount-1)
	}
	return cfg, cfg.applyPhase(n, make(map[string]string))
}

// applyPhase makes the settings of phase n those of c, where source does not say that they came from elsewhere.
func (c *Config) applyPhase(n int, source map[string]string) error {
	preset := phases()[n]
	for _, s := range c.settings() {
		v, ok := preset[s.name]
		if !ok || source[s.name] != "" {
			continue
		}
		if err := s.value.Set(v); err != nil {
			return fmt.Errorf("phase %d: --%s=%s: %w", n, s.name, v, err)
		}
		source[s.name] = fmt.Sprintf("phase %d", n)
	}
	return nil
}
