package server

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build says which program this is.
type Build struct {
	Version   string `json:"version"`
	GoVersion string `json:"goversion"`
	Platform  string `json:"platform"`
	Revision  string `json:"revision,omitempty"` // of the source
	Modified  bool   `json:"modified,omitempty"` // the source had changes beside
}

// ReadBuild returns what the toolchain wrote into the program, so that no build can forget to say it.
func ReadBuild() Build {
	b := Build{Version: "devel", GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String returns b on one line.
func (b Build) String() string {
	return fmt.Sprintf("metricstream %s %s %s", b.Version, b.GoVersion, b.Platform)
}
