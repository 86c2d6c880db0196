package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeIndex writes README.md of the results: the newest verdicts, and what has been measured. A folder counts
// whoever wrote it, if it has a README.md with a heading; only those of compare have a verdict.
func writeIndex(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the results: %w", err)
	}
	slices.Reverse(entries) // names begin with the date
	var newest *analysis
	var newestFolder string
	var rows bytes.Buffer
	for _, e := range entries {
		folder := filepath.Join(dir, e.Name())
		title := heading(filepath.Join(folder, "README.md"))
		if !e.IsDir() || title == "" {
			continue
		}
		answer := ""
		if info, err := readInfo(folder); err == nil {
			a, err := open(folder, info)
			if err != nil {
				return err
			}
			answer = a.verdicts()[0]
			if own := info.payload("own"); info.Mode != "quick" && own.Name == "" && (newest == nil || info.Date.After(newest.Date)) {
				newest, newestFolder = a, e.Name()
			}
		}
		fmt.Fprintf(&rows, "| [%s](%s/README.md) | %s | %s |\n", e.Name(), e.Name(), title, answer)
	}
	var b bytes.Buffer
	b.WriteString("# What was measured\n\n")
	if newest != nil {
		fmt.Fprintf(&b, "## The newest verdicts\n\nFrom [%s](%s/README.md) ([report](%s/report.html)), %s.\n\n", newestFolder, newestFolder, newestFolder, newest.subtitle())
		for _, sentence := range newest.verdicts() {
			fmt.Fprintf(&b, "- %s\n", sentence)
		}
		b.WriteString("\nThe fastest engine by payload and level, and its lead over the next; ~ where several are not told apart:\n\n")
		if err := newest.winners().WriteMarkdown(&b); err != nil {
			return err
		}
		for _, g := range newest.groups {
			fmt.Fprintf(&b, "\n%s. ", g.title())
			if err := newest.ratios(g).WriteMarkdown(&b); err != nil {
				return err
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "## All results\n\n| folder | question | answer |\n|:---|:---|:---|\n%s\n", rows.String())
	b.WriteString("Each folder has its raw output, benchstat's tables, the environment, a README and a self-contained report.html. " +
		"This page is written by `make bench-compare`.\n")
	if err := os.WriteFile(filepath.Join(dir, "README.md"), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write the index of the results: %w", err)
	}
	return nil
}

// heading returns the first heading of a Markdown file, or nothing.
func heading(path string) string {
	data, _ := os.ReadFile(path) // a folder without one is not listed
	for line := range strings.Lines(string(data)) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(title)
		}
	}
	return ""
}

// open reads back what was measured in a folder.
func open(dir string, info Info) (*analysis, error) {
	s, err := readSamples(filepath.Join(dir, "raw.txt"))
	if err != nil {
		return nil, err
	}
	a, err := analyse(info, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return a, nil
}
