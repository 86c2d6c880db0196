package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Info is what must be known beside the raw output to read it, kept as environment.json.
type Info struct {
	Title    string        `json:"title"` // the question
	Date     time.Time     `json:"date"`
	Took     string        `json:"took,omitempty"`
	Command  string        `json:"command"` // that measures it again
	Mode     string        `json:"mode"`    // quick, default or full
	Engines  []string      `json:"engines"`
	Base     string        `json:"base"`
	Payloads []PayloadInfo `json:"payloads"`

	Rounds        int                `json:"rounds"`
	ServiceRounds int                `json:"service_rounds"`
	Slice         string             `json:"slice"`
	ServiceSlice  string             `json:"service_slice"`
	Connections   int                `json:"connections"`
	OpenRates     map[string]float64 `json:"open_loop_requests_per_second,omitempty"` // by payload

	Bare  []BareInfo `json:"bare_differences"`
	Notes []string   `json:"notes,omitempty"`

	Machine   Machine            `json:"machine"`
	Libraries map[string]string  `json:"libraries"`
	Commit    string             `json:"commit"`
	Modified  bool               `json:"modified"`              // the working tree differed from the commit
	Floors    map[string]float64 `json:"noise_floor,omitempty"` // by level: the widest of its families, as a ratio
}

// PayloadInfo describes a payload.
type PayloadInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Bodies      int    `json:"bodies"`
	Bytes       int    `json:"bytes"`
	Accepted    int    `json:"accepted"`
	Metrics     int    `json:"metrics"`
}

// BareInfo says how a bare library differed from the contract on one payload.
type BareInfo struct {
	Engine  string `json:"engine"`
	Payload string `json:"payload"`
	Altered int    `json:"metrics_altered"`
	Taken   int    `json:"bad_bodies_taken"`
	Refused int    `json:"good_bodies_refused"`
}

// Machine is what was measured on.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Kernel     string `json:"kernel"`
	Governor   string `json:"governor"`
	Platform   string `json:"platform"`
	Go         string `json:"go"`
	GOAMD64    string `json:"goamd64,omitempty"`
	GOMAXPROCS int    `json:"gomaxprocs"`
}

const infoFile = "environment.json"

func readInfo(dir string) (Info, error) {
	var info Info
	data, err := os.ReadFile(filepath.Join(dir, infoFile))
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		return info, fmt.Errorf("cannot read what was measured: %w", err)
	}
	return info, nil
}

// write keeps the info for the program and, as text, for people.
func (i *Info) write(dir string) error {
	data, err := json.MarshalIndent(i, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, infoFile), append(data, '\n'), 0o644)
	}
	if err == nil {
		var text bytes.Buffer
		err = i.table().WriteText(&text)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "environment.txt"), text.Bytes(), 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write the environment: %w", err)
	}
	return nil
}

func (i *Info) payloadNames() (names []string) {
	for _, p := range i.Payloads {
		names = append(names, p.Name)
	}
	return names
}

// payload returns what is known of the payload of that name.
func (i *Info) payload(name string) PayloadInfo {
	at := slices.IndexFunc(i.Payloads, func(p PayloadInfo) bool { return p.Name == name })
	if at < 0 {
		return PayloadInfo{}
	}
	return i.Payloads[at]
}

// newInfo describes the plan and the place.
func newInfo(ctx context.Context, root string, p plan, command string) Info {
	info := Info{
		Title: "Which JSON engine?", Date: time.Now().UTC().Truncate(time.Second), Command: command, Mode: p.mode,
		Engines: engineNames(p.engines), Base: p.base,
		Rounds: p.rounds, ServiceRounds: p.serviceRounds, Slice: p.slice.String(),
		ServiceSlice: fmt.Sprintf("%v closed loop, then %v open loop, each after %v of warm-up", p.service.closed, p.service.open, p.service.warmUp),
		Connections:  connections, Notes: p.notes,
		Machine: readMachine(), Libraries: libraries(),
	}
	for _, payload := range p.payloads {
		info.Payloads = append(info.Payloads, PayloadInfo{payload.Name, payload.Description, len(payload.Bodies), payload.Bytes(), payload.Accepted, payload.Metrics})
		if payload.Name == "own" {
			info.Title = "Which JSON engine, for " + payload.Description + "?"
		}
	}
	if commit, err := git(ctx, root, "rev-parse", "HEAD"); err == nil {
		status, _ := git(ctx, root, "status", "--porcelain")
		info.Commit, info.Modified = commit, status != ""
	}
	return info
}

// git runs it in dir and returns its output.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := output(exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...))
	return strings.TrimSpace(string(out)), err
}

// output runs a command; its error ends with what the command wrote on stderr.
func output(cmd *exec.Cmd) ([]byte, error) {
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("cannot run %s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}

func readMachine() Machine {
	m := Machine{
		CPU: "unknown", Cores: runtime.NumCPU(),
		Kernel:   firstLine("/proc/sys/kernel/osrelease", "unknown"),
		Governor: firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "not visible"),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), GOMAXPROCS: runtime.GOMAXPROCS(0),
	}
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo") // elsewhere than on Linux there is none
	for line := range strings.Lines(string(cpuinfo)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "GOAMD64" {
				m.GOAMD64 = s.Value
			}
		}
	}
	return m
}

func firstLine(path, otherwise string) string {
	data, err := os.ReadFile(path)
	line, _, _ := strings.Cut(string(data), "\n")
	if err != nil || line == "" {
		return otherwise
	}
	return line
}

// libraries lists the versions of the modules that take part in what is measured.
func libraries() map[string]string {
	versions := map[string]string{}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, m := range build.Deps {
		switch m.Path {
		case "github.com/valyala/fastjson", "github.com/bytedance/sonic", "github.com/goccy/go-json",
			"github.com/go-json-experiment/json", "github.com/valyala/fasthttp":
			versions[m.Path] = m.Version
		}
	}
	return versions
}

// lines returns the environment as pairs of what and how.
func (i *Info) lines() [][2]string {
	modified := ""
	if i.Modified {
		modified = ", with changes that are not committed"
	}
	goVersion := i.Machine.Go + " " + i.Machine.Platform
	if i.Machine.GOAMD64 != "" {
		goVersion += ", GOAMD64=" + i.Machine.GOAMD64
	}
	lines := [][2]string{
		{"date", i.Date.Format(time.RFC3339)},
		{"commit", i.Commit + modified},
		{"CPU", fmt.Sprintf("%s, %d cores", i.Machine.CPU, i.Machine.Cores)},
		{"governor", i.Machine.Governor},
		{"kernel", i.Machine.Kernel},
		{"Go", goVersion},
		{"GOMAXPROCS", fmt.Sprint(i.Machine.GOMAXPROCS)},
	}
	for _, path := range slices.Sorted(maps.Keys(i.Libraries)) {
		lines = append(lines, [2]string{path, i.Libraries[path]})
	}
	lines = append(lines,
		[2]string{"mode", i.Mode},
		[2]string{"rounds", fmt.Sprintf("%d at the decode and handler levels, %d at the service level", i.Rounds, i.ServiceRounds)},
		[2]string{"slice", i.Slice + " of one operation in one round"},
		[2]string{"service slice", fmt.Sprintf("%s; %d connections", i.ServiceSlice, i.Connections)})
	for _, name := range slices.Sorted(maps.Keys(i.OpenRates)) {
		lines = append(lines, [2]string{"open-loop rate, " + name, fmt.Sprintf("%.0f requests/s", i.OpenRates[name])})
	}
	for _, level := range slices.Sorted(maps.Keys(i.Floors)) {
		lines = append(lines, [2]string{"widest noise floor, " + level, floorText(i.Floors[level])})
	}
	if i.Took != "" {
		lines = append(lines, [2]string{"took", i.Took})
	}
	for _, note := range i.Notes {
		lines = append(lines, [2]string{"note", note})
	}
	return lines
}
