package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string `yaml:"operationId"`
		Responses   map[string]map[string]any
	}
	Components map[string]map[string]any
}

func openAPI(t *testing.T) (doc document) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(OpenAPI, &doc), "openapi.yaml must be YAML")
	return doc
}

// The statuses that the service can give to a POST /metrics; 404 and 405 belong to other paths and methods.
func TestOpenAPIHasEveryStatus(t *testing.T) {
	doc := openAPI(t)
	assert.Equal(t, "3.1.0", doc.OpenAPI)
	for _, status := range strings.Fields("200 202 400 401 408 413 415 422 429 431 500 503") {
		assert.Contains(t, doc.Paths["/metrics"]["post"].Responses, status)
	}
	assert.Contains(t, doc.Paths["/metrics"]["get"].Responses, "405")
	assert.Contains(t, doc.Paths["/"]["get"].Responses, "404")
	for _, path := range []string{"/livez", "/readyz", "/version", "/openapi.yaml", "/debug/pprof/"} {
		assert.Contains(t, doc.Paths[path]["get"].Responses, "200", path)
	}
	assert.Contains(t, doc.Paths["/readyz"]["get"].Responses, "503")
}

func TestOpenAPIRefersToWhatIsThere(t *testing.T) {
	doc := openAPI(t)
	refs := regexp.MustCompile(`#/components/(\w+)/(\w+)`).FindAllSubmatch(OpenAPI, -1)
	require.NotEmpty(t, refs)
	for _, ref := range refs {
		assert.Contains(t, doc.Components[string(ref[1])], string(ref[2]), "%s", ref[0])
	}
	seen := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			assert.NotEmpty(t, op.OperationID, "%s %s", method, path)
			assert.False(t, seen[op.OperationID], "%s stands twice", op.OperationID)
			seen[op.OperationID] = true
			for status, response := range op.Responses {
				if response["$ref"] == nil {
					assert.NotEmpty(t, response["description"], "%s %s %s", method, path, status)
				}
			}
		}
	}
}

// The prose and the description speak of the same answers.
func TestHTTPAPIHasEveryStatusToo(t *testing.T) {
	prose, err := os.ReadFile("http-api.md")
	require.NoError(t, err)
	for _, op := range openAPI(t).Paths["/metrics"] {
		for status := range op.Responses {
			assert.Contains(t, string(prose), status)
		}
	}
	for _, slug := range regexp.MustCompile("urn:metricstream:problem:([a-z-]+)\n").FindAllSubmatch(OpenAPI, -1) {
		assert.Contains(t, string(prose), "`"+string(slug[1])+"`")
	}
}
