// Package metricstream_test holds the rules about the repository as a whole: which package may import which.
package metricstream_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "metricstream/"

// allowed lists, for each package, which others of ours it may import. A package that is not here fails the test:
// a new room needs its arrows drawn first.
var allowed = map[string][]string{
	"pkg/metric":         {},
	"pkg/ratelimit":      {},
	"pkg/telemetry":      {},
	"pkg/loadgen":        {},
	"pkg/stats":          {},
	"pkg/report":         {},
	"docs":               {},
	"pkg/journal":        {"pkg/metric"},
	"pkg/ingest":         {"pkg/metric"},
	"pkg/shadow":         {"pkg/metric"},
	"engines/guard":      {"pkg/metric"},
	"engines/naive":      {"pkg/metric"},
	"engines/custom":     {"pkg/metric", "engines/guard"},
	"engines/enginetest": {"pkg/metric"},
	"engines":            {"pkg/metric", "engines/guard", "engines/naive", "engines/custom"},
	"pkg/server":         {"pkg/metric", "pkg/ingest", "engines", "pkg/journal", "pkg/ratelimit", "pkg/shadow", "pkg/telemetry", "docs"},
	"benchmarks":         {"pkg/metric", "pkg/ingest", "engines", "pkg/server"},
	"cmd/metricstream":   {"pkg/server"},
	"cmd/lab":            {"pkg/metric", "benchmarks", "engines", "pkg/loadgen", "pkg/stats", "pkg/report"},
}

func TestArrowsPointOneWay(t *testing.T) {
	for pkg, imports := range list(t, `{{.ImportPath}}|{{join .Imports " "}}`) {
		room := strings.TrimPrefix(pkg, module)
		if pkg == "metricstream" {
			continue
		}
		may, known := allowed[room]
		if !assert.True(t, known, "%s has no place in the table of arrows", room) {
			continue
		}
		for _, imported := range strings.Fields(imports) {
			if other, ours := strings.CutPrefix(imported, module); ours {
				assert.Contains(t, may, other, "%s must not import %s", room, other)
			}
		}
	}
}

// The JSON libraries are compared by the engines, and nothing else may depend on one of them.
func TestJSONLibrariesStayInTheEngines(t *testing.T) {
	for pkg, imports := range list(t, `{{.ImportPath}}|{{join .Imports " "}}`) {
		for _, imported := range strings.Fields(imports) {
			for _, library := range []string{"github.com/valyala/fastjson", "github.com/bytedance/sonic", "github.com/goccy/go-json", "github.com/go-json-experiment/json"} {
				if imported == library || strings.HasPrefix(imported, library+"/") {
					assert.Equal(t, module+"engines", pkg, "%s must not import %s", pkg, imported)
				}
			}
		}
	}
}

func TestNamesOfPackagesSayWhatTheyAreFor(t *testing.T) {
	for pkg := range list(t, `{{.ImportPath}}|`) {
		for _, vague := range []string{"util", "utils", "common", "helpers", "misc"} {
			assert.NotEqual(t, vague, pkg[strings.LastIndexByte(pkg, '/')+1:], pkg)
		}
	}
}

// list runs go list over the module and returns, by import path, what format puts behind the bar.
func list(t *testing.T, format string) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, "./...").Output()
	require.NoError(t, err)
	packages := map[string]string{}
	for line := range strings.Lines(string(out)) {
		pkg, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
		packages[pkg] = rest
	}
	require.Contains(t, packages, module+"pkg/metric")
	return packages
}
