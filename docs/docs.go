// Package docs carries the parts of the documentation that the program itself hands out.
package docs

import _ "embed"

// OpenAPI describes the HTTP interface, as YAML. It is read only.
//
//go:embed openapi.yaml
var OpenAPI []byte
