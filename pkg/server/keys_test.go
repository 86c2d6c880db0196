package server

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func keysFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func TestKeysAreKeptAsTheirHashes(t *testing.T) {
	var log bytes.Buffer
	path := keysFile(t, "# clients\n\nshop  0123456789abcdef\n\tshop\t0123456789abcdeg \nbank "+strings.Repeat("k", maxKeyLen), 0o600)
	keys, err := loadKeys(path, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	assert.Equal(t, map[[32]byte]string{
		sha256.Sum256([]byte("0123456789abcdef")):             "shop",
		sha256.Sum256([]byte("0123456789abcdeg")):             "shop",
		sha256.Sum256([]byte(strings.Repeat("k", maxKeyLen))): "bank",
	}, keys)
	assert.Empty(t, log.String())
}

func TestKeysThatOthersMayReadAreWarnedOf(t *testing.T) {
	var log bytes.Buffer
	_, err := loadKeys(keysFile(t, "shop 0123456789abcdef", 0o644), slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	assert.Contains(t, log.String(), "chmod 600")
	assert.Contains(t, log.String(), "-rw-r--r--")
}

func TestWrongKeysAreLocatedAndNotShown(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "no keys; want lines",
		"# none\n":                             "no keys; want lines",
		"# x\nshop\n":                          ":2: want a client's name and its key",
		"shop secret0123456789 x":              ":1: want a client's name and its key",
		"shop secret":                          ":1: want a key of 16 to 249 visible ASCII characters",
		"shop secret0123456789é":               ":1: want a key of 16 to",
		"shop " + strings.Repeat("secret", 50): ":1: want a key of 16 to",
		"shöp secret0123456789":                ":1: want a client's name",
		strings.Repeat("s", 257) + " secret0123456789": ":1: want a client's name",
		"shop secret0123456789\nbank secret0123456789": ":2: the key stands in the file already",
		strings.Repeat("x", 1<<17):                     "cannot read the keys",
	} {
		_, err := loadKeys(keysFile(t, text, 0o600), slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
	}
	_, err := loadKeys("/nosuch/keys", slog.New(slog.DiscardHandler))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
