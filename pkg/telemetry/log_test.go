package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoggerWritesJSONFromItsLevelUp(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelWarn)
	log.Info("not this")
	log.Warn("but this", "answer", 42)

	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "the log is %q; want one JSON object", out.String())
	assert.Equal(t, "but this", line["msg"])
	assert.EqualValues(t, 42, line["answer"])
	assert.Equal(t, "WARN", line["level"])
}
