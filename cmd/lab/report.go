package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
)

const aboutReport = `report <folder>

Writes benchstat's tables, the README and report.html of a folder of results again, from its raw.txt and
environment.json, renews the index beside it, and prints the verdict.`

func reportCommand(ctx context.Context, args []string, stdout io.Writer) error {
	var dir string
	if err := parse(flags("report", aboutReport, stdout), args, &dir); err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	return reportFolder(ctx, root, dir, stdout)
}

// reportFolder makes of what was measured what is read, and prints the answer.
func reportFolder(ctx context.Context, root, dir string, stdout io.Writer) error {
	info, err := readInfo(dir)
	if err != nil {
		return err
	}
	a, err := open(dir, info)
	if err != nil {
		return err
	}
	a.Floors = a.floors()
	if err := a.Info.write(dir); err != nil {
		return err
	}
	if err := benchstat(ctx, root, dir, info); err != nil {
		return err
	}
	if err := a.write(dir); err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("cannot find the results: %w", err)
	}
	if filepath.Base(filepath.Dir(dir)) == "results" {
		if err := writeIndex(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	return a.print(stdout, filepath.Join(dir, "report.html"))
}

// print writes the answer for a terminal.
func (a *analysis) print(w io.Writer, page string) error {
	for _, g := range a.groups {
		fmt.Fprintf(w, "\n%s. ", g.title())
		t := a.medians(g, g.measures()[0])
		if a.Mode != "quick" {
			t = a.ratios(g)
		}
		if err := t.WriteText(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	for _, sentence := range a.verdicts() {
		fmt.Fprintln(w, sentence)
	}
	if a.Mode != "quick" {
		for _, sentence := range a.costsOfContract() {
			fmt.Fprintln(w, sentence)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", page)
	return err
}
