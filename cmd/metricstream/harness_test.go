package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// coverDir is the variable that names the directory where the program under test leaves its coverage.
const coverDir = "METRICSTREAM_COVERDIR"

// binary is the path of the program, built once for all tests by TestMain.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "metricstream-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "metricstream")
	args := []string{"build", "-o", binary}
	if covers := os.Getenv(coverDir); covers != "" {
		args = append(args, "-cover", "-coverpkg=metricstream/...")
		// Absolute, because the program runs in other directories.
		if covers, err = filepath.Abs(covers); err == nil {
			err = errors.Join(os.MkdirAll(covers, 0o755), os.Setenv("GOCOVERDIR", covers))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

const (
	body = `{"metrics":[{"name":"cpu_usage","value":75.5,"type":"gauge","timestamp":"2025-09-17T13:45:23.123Z","tags":{"host":"server1"}}]}`
	line = `{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}` + "\n"
)

// command returns the program in a directory of its own, with a clean environment.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "METRICSTREAM_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// program is a started server.
type program struct {
	cmd        *exec.Cmd
	url, admin string
	dataFile   string
	log        *logReader
	exited     chan error
}

// logReader collects the program's log and hands out its first line.
type logReader struct {
	mu    sync.Mutex
	text  bytes.Buffer // guarded by mu
	first chan string
}

func (l *logReader) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// read ends with the program.
func (l *logReader) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		l.mu.Lock()
		l.text.WriteString(lines.Text() + "\n")
		l.mu.Unlock()
		if strings.Contains(lines.Text(), `"msg":"serving"`) {
			l.first <- lines.Text()
		}
	}
	close(l.first)
}

// start runs the program on free ports and waits until it serves. It is killed when the test is over, if it still runs.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startCommand(t, command(t, append([]string{"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, args...)...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &program{cmd: cmd, log: &logReader{first: make(chan string, 1)}, exited: make(chan error, 1)}
	go func() {
		p.log.read(stderr)
		p.exited <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // one that has ended takes no harm
		if t.Failed() {
			t.Logf("the program's log:\n%s", p.log)
		}
	})
	select {
	case first, ok := <-p.log.first:
		require.True(t, ok, "the program ended before it served:\n%s", p.log)
		var entry struct {
			Address  string
			Admin    string
			DataFile string `json:"data_file"`
		}
		require.NoError(t, json.Unmarshal([]byte(first), &entry), "the log is JSON")
		p.url, p.admin = "http://"+entry.Address, "http://"+entry.Admin
		p.dataFile = filepath.Join(cmd.Dir, entry.DataFile)
	case <-time.After(30 * time.Second):
		t.Fatalf("the program does not serve:\n%s", p.log)
	}
	return p
}

// end waits for the program and returns its exit status; a program ended by a signal has -1.
func (p *program) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("the program does not end:\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig))
}

// stop asks the program to end, and expects it to end well.
func (p *program) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	require.Equal(t, 0, p.end(t), "the log is\n%s", p.log)
}

func (p *program) stored(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.dataFile)
	require.NoError(t, err)
	return string(data)
}

var client = &http.Client{Timeout: 20 * time.Second}

type answer struct {
	status int
	header http.Header
	body   string
}

// send makes one request; header is pairs of name and value.
func send(t *testing.T, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (p *program) post(t *testing.T, body string) answer {
	t.Helper()
	return send(t, http.MethodPost, p.url+"/metrics", body, "Authorization", "client-1", "Content-Type", "application/json")
}

// runToEnd lets the program run to its end.
func runToEnd(t *testing.T, cmd *exec.Cmd) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // its error is the exit status
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
