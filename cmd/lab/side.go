package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// side is a running `lab slice` of one revision.
type side struct {
	label string // "base", "head" or the base's twin
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	words bytes.Buffer // on stderr; read once the process has ended
}

// startSide runs the executable of a revision and waits for its greeting.
func startSide(ctx context.Context, label, path string) (*side, error) {
	s := &side{label: label, cmd: exec.CommandContext(ctx, path, "slice")}
	s.cmd.Stderr = &s.words
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		s.in, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start the lab of %s: %w", label, err)
	}
	s.out = bufio.NewReader(out)
	if greeting, err := s.out.ReadString('\n'); strings.TrimSpace(greeting) != sliceGreeting {
		s.in.Close()
		_ = s.cmd.Wait() // it has failed already
		return nil, fmt.Errorf("cannot compare with %s: its lab does not know `slice` as this one does (%q, %w); choose a later revision\n%s",
			label, greeting, errors.Join(err, errUsage), bytes.TrimSpace(s.words.Bytes()))
	}
	return s, nil
}

// ask sends a request and returns its answer.
func (s *side) ask(format string, args ...any) (string, error) {
	request := fmt.Sprintf(format, args...)
	_, err := io.WriteString(s.in, request+"\n")
	var reply string
	if err == nil {
		reply, err = s.out.ReadString('\n')
	}
	if err != nil {
		return "", fmt.Errorf("the lab of %s ended at %q: %w", s.label, request, err)
	}
	if complaint, failed := strings.CutPrefix(reply, "error "); failed {
		return "", fmt.Errorf("%w in %s: %s", errRefused, s.label, strings.TrimSpace(complaint))
	}
	return reply, nil
}

// errRefused is matched by the error of a request that a side does not fulfil.
var errRefused = errors.New("cannot measure")

func (s *side) stop() error {
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the lab of %s failed: %w\n%s", s.label, err, bytes.TrimSpace(s.words.Bytes()))
	}
	return nil
}
