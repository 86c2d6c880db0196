package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// unsynced is the real file system without its syncs, of which a fuzzer would do little else.
type unsynced struct{ osFS }

type unsyncedFile struct{ file }

func (unsyncedFile) datasync() error { return nil }
func (unsyncedFile) Sync() error     { return nil }

func (fs unsynced) open(path string, flag int) (file, error) {
	f, err := fs.osFS.open(path, flag)
	return unsyncedFile{f}, err
}

// reopened puts content into the file in dir, opens and closes the journal,
// and returns what is in the file then, and what was moved aside.
func reopened(t testing.TB, dir string, content []byte) (kept, torn []byte) {
	t.Helper()
	path := filepath.Join(dir, FileName)
	require.NoError(t, os.WriteFile(path, content, 0o644))
	j, err := open(Config{Dir: dir, Direct: true, Ack: Written}, unsynced{}, quiet(), nil)
	require.NoError(t, err)
	mustClose(t, j)
	aside := beside(t, dir, "torn-")
	require.LessOrEqual(t, len(aside), 1)
	if len(aside) == 1 {
		torn = []byte(contents(t, aside[0]))
		require.NotEmpty(t, torn)
		require.NoError(t, os.Remove(aside[0]))
	}
	return []byte(contents(t, path)), torn
}

func checkReopened(t testing.TB, dir string, content []byte) {
	t.Helper()
	end := bytes.LastIndexByte(content, '\n') + 1
	kept, torn := reopened(t, dir, content)
	// Not assert.Equal, which would print megabytes.
	assert.True(t, bytes.Equal(content[:end], kept), "the whole lines of a file of %d bytes: %d bytes are left; want %d", len(content), len(kept), end)
	assert.True(t, bytes.Equal(content[end:], torn), "the torn line of a file of %d bytes: %d bytes moved aside; want %d", len(content), len(torn), len(content)-end)
}

func TestTornTailsOfEveryLength(t *testing.T) {
	dir, text := t.TempDir(), []byte("{\"a\":1}\n\n{\"b\":\"\xff\x00\"}\n{\"c\":3}\n")
	for n := range len(text) + 1 {
		checkReopened(t, dir, text[:n])
	}
}

func TestTornTailsAroundTheReadSize(t *testing.T) {
	dir := t.TempDir()
	for _, whole := range []int{0, 1, tailChunk} {
		for _, torn := range []int{tailChunk - 1, tailChunk, tailChunk + 1, 2 * tailChunk, 11 << 20} {
			content := bytes.Repeat([]byte("x"), whole+torn)
			if whole > 0 {
				content[whole-1] = '\n'
			}
			checkReopened(t, dir, content)
		}
	}
}

func TestTailOfZeros(t *testing.T) { // as after a loss of power that kept the size and not the data
	checkReopened(t, t.TempDir(), append([]byte("whole\n"), make([]byte, 5000)...))
}

func TestAppendAfterRepair(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		path := filepath.Join(cfg.Dir, FileName)
		for range 3 { // none overwrites the other's torn line
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
			require.NoError(t, err)
			_, err = f.WriteString("torn")
			require.NoError(t, err)
			require.NoError(t, f.Close())
			j := mustOpen(t, cfg)
			require.NoError(t, j.Append(record(1, "whole")))
			mustClose(t, j)
		}
		assert.Equal(t, "whole\nwhole\nwhole\n", contents(t, path))
		assert.Len(t, beside(t, cfg.Dir, "torn-"), 3)
	})
}

// A torn line that cannot be copied aside takes the whole file with it, and is no reason not to start.
func TestRepairFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault fault
		aside []string
	}{
		{"reading", on("read", FileName, 0, unix.EIO), []string{"whole\ntorn"}},
		{"asking for the size", once(on("stat", FileName, 0, unix.EIO)), []string{"whole\ntorn"}},
		{"creating the copy", on("open", FileName+".torn", 0, unix.ENOSPC), []string{"whole\ntorn"}},
		{"writing the copy", on("writev", FileName+".torn", 0, unix.ENOSPC), []string{"whole\ntorn"}},
		{"syncing the copy", on("datasync", FileName+".torn", 0, unix.EIO), []string{"whole\ntorn"}},
		{"syncing the directory", once(on("sync", "", 0, unix.EIO)), []string{"torn", "whole\ntorn"}},
		{"cutting it off", on("truncate", FileName, 0, unix.EIO), []string{"torn", "whole\ntorn"}},
		{"syncing the rest", func(c call) (int, error) {
			if c.op == "datasync" && c.name == FileName {
				return 0, unix.EIO
			}
			return c.bytes, nil
		}, []string{"torn", "whole\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Dir: t.TempDir()}
			path := filepath.Join(cfg.Dir, FileName)
			require.NoError(t, os.WriteFile(path, []byte("whole\ntorn"), 0o644))
			fs := &faultFS{fault: c.fault}
			j, err := open(cfg, fs, quiet(), nil)
			require.NoError(t, err)
			fs.set(nil)
			require.NoError(t, j.Append(record(1, "one")))
			mustClose(t, j)
			assert.Equal(t, "one\n", contents(t, path))
			var got []string
			for _, name := range beside(t, cfg.Dir, "torn-") {
				got = append(got, contents(t, name))
			}
			assert.ElementsMatch(t, c.aside, got)
		})
	}
}

// once lets a fault decide until it has failed a call.
func once(f fault) fault {
	done := false
	return func(c call) (int, error) {
		if done {
			return c.bytes, nil
		}
		n, err := f(c)
		done = err != nil
		return n, err
	}
}

func TestOpenFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault fault
	}{
		{"moving an unreadable file", func(c call) (int, error) {
			if c.op == "read" || c.op == "rename" {
				return 0, unix.EIO
			}
			return c.bytes, nil
		}},
		{"syncing the directory", on("sync", "", 0, unix.EIO)},
		{"opening the directory", func(c call) (int, error) {
			if c.op == "open" && !strings.HasPrefix(c.name, FileName) {
				return 0, unix.EIO
			}
			return c.bytes, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Dir: t.TempDir()}
			require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, FileName), []byte("whole\n"), 0o644))
			_, err := open(cfg, &faultFS{fault: c.fault}, quiet(), nil)
			require.ErrorIs(t, err, unix.EIO)
			mustClose(t, mustOpen(t, cfg)) // the directory was given up
			assert.Equal(t, "whole\n", contents(t, cfg.Dir, FileName))
		})
	}
}

func TestOpenFailsToCreateTheDirectory(t *testing.T) {
	fs := &faultFS{fault: on("sync", "", 0, unix.EIO)}
	_, err := open(Config{Dir: filepath.Join(t.TempDir(), "a", "b")}, fs, quiet(), nil)
	assert.ErrorIs(t, err, unix.EIO)
}

func FuzzRecoverTail(f *testing.F) {
	for _, s := range []string{"", "\n", "torn", "whole\n", "whole\ntorn", "a\n\n\nb", "\x00\n\x00", "{\"a\":\"\\n\"}\n{\"a\""} {
		f.Add([]byte(s))
	}
	dir := f.TempDir() // of this worker
	f.Fuzz(func(t *testing.T, content []byte) { checkReopened(t, dir, content) })
}
