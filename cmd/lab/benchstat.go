package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// benchstat writes its tables of the raw output in dir: engines against the base, and contract against bare.
// It is the version pinned in go.mod, run in the checkout root.
func benchstat(ctx context.Context, root, dir string, info Info) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("cannot find the results: %w", err)
	}
	order := []string{info.Base, info.Base + again}
	for _, engine := range info.Engines {
		if engine != info.Base {
			order = append(order, engine)
		}
	}
	for _, t := range []struct{ name, col, filter string }{
		{"benchstat", "/engine@(" + strings.Join(order, " ") + ")", "*"},
		{"benchstat-contract", "/guard@(none contract)", "/level:decode"},
	} {
		for _, format := range []string{"text", "csv"} {
			cmd := exec.CommandContext(ctx, "go", "tool", "benchstat", "-col", t.col, "-filter", t.filter, "-format", format, filepath.Join(dir, "raw.txt"))
			cmd.Dir = root
			out, err := output(cmd)
			if err == nil && len(out) == 0 && t.name == "benchstat" {
				err = fmt.Errorf("cannot make tables of %s: benchstat found nothing in it", filepath.Join(dir, "raw.txt"))
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, t.name+map[string]string{"text": ".txt", "csv": ".csv"}[format]), out, 0o644)
			}
			if err != nil {
				return fmt.Errorf("benchstat: %w", err)
			}
		}
	}
	return nil
}
