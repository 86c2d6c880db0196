package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"metricstream/pkg/report"
)

// readme writes the folder's README.md: the answer in words, then the numbers.
func (a *analysis) readme() ([]byte, error) {
	var b bytes.Buffer
	var failed error
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n\n", args...) }
	table := func(t *report.Table) {
		if err := t.WriteMarkdown(&b); err != nil && failed == nil {
			failed = err
		}
		b.WriteByte('\n')
	}
	say("# %s", a.Title)
	say("%s", a.subtitle())
	for _, sentence := range a.verdicts() {
		fmt.Fprintf(&b, "- %s\n", sentence)
	}
	b.WriteByte('\n')
	if a.Mode != "quick" {
		say("The fastest engine by payload and level, and its lead over the next; ~ where several are not told apart:")
		table(a.winners())
	}
	if a.prices != nil && a.Mode != "quick" {
		say("## What each library lacks, and what that costs")
		for _, sentence := range a.costsOfContract() {
			fmt.Fprintf(&b, "- %s\n", sentence)
		}
		b.WriteByte('\n')
	}
	if len(a.Bare) > 0 {
		table(a.bareTable())
	}
	for _, g := range a.groups {
		say("## %s", g.title())
		if a.Mode != "quick" {
			table(a.ratios(g))
		}
		for _, m := range g.measures() {
			if a.measured(g, m) {
				table(a.medians(g, m))
			}
		}
	}
	say("## How it was measured")
	for _, paragraph := range a.method() {
		say("%s", paragraph)
	}
	table(a.payloadTable())
	say("## Environment")
	table(a.table())
	say("## Files")
	say("`raw.txt` is everything that was measured, in Go's benchmark format; `benchstat.txt` and `.csv` are benchstat's tables of it, " +
		"`benchstat-contract.txt` and `.csv` those of the contract's price; `environment.json` and `.txt` say where; `report.html` has the charts. " +
		"`go run ./cmd/lab report <this folder>` makes all of them but the raw output and the environment again.")
	say("Measured with `%s`.", a.Command)
	return b.Bytes(), failed
}

// write makes every file of the folder that follows from its raw output.
func (a *analysis) write(dir string) error {
	readme, err := a.readme()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := a.page().WriteHTML(&page); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"README.md": bytes.TrimSuffix(readme, []byte("\n")), "report.html": page.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	return nil
}
