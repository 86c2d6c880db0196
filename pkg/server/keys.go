package server

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

const (
	minKeyLen = 16                   // keeps a random key out of reach of guessing
	maxKeyLen = 256 - len("Bearer ") // Authorization holds no more
)

// loadKeys reads lines of a client's name and its key, and returns the clients by the SHA-256 of their keys:
// the keys themselves are not kept. A client may have several keys, so that one can be replaced in peace.
// Errors never show a key.
func loadKeys(path string, log *slog.Logger) (map[[sha256.Size]byte]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("others may read or write the file of keys; chmod 600 would keep them out", "file", path, "mode", info.Mode().Perm().String())
	}

	keys := make(map[[sha256.Size]byte]string)
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("%s:%d: want a client's name and its key, with a space between", path, n)
		}
		client, key := fields[0], fields[1]
		sum := sha256.Sum256([]byte(key))
		switch _, taken := keys[sum]; {
		case len(client) > 256 || !visible(client):
			return nil, fmt.Errorf("%s:%d: want a client's name of 1 to 256 visible ASCII characters", path, n)
		case len(key) < minKeyLen || len(key) > maxKeyLen || !visible(key):
			return nil, fmt.Errorf("%s:%d: want a key of %d to %d visible ASCII characters", path, n, minKeyLen, maxKeyLen)
		case taken:
			return nil, fmt.Errorf("%s:%d: the key stands in the file already; want each key once", path, n)
		}
		keys[sum] = client
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no keys; want lines of a client's name and its key", path)
	}
	return keys, nil
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
