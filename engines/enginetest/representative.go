package enginetest

import (
	"fmt"
	"strings"

	"metricstream/pkg/metric"
)

// representative returns a few very different bodies: full and sparse ones, of many metrics and of one, with escapes
// and without, and one of each class that is refused.
func representative() []Case {
	const rule = "nothing of one body shows in the next"
	var metrics, lines []string
	for i := range 50 {
		metrics = append(metrics, fmt.Sprintf(`{"name":"full_%d","value":%d,"type":"summary","timestamp":"2025-09-17T13:45:23.%09dZ","tags":{%s}}`, i, i+7, i+1, tags(32)))
		lines = append(lines, fmt.Sprintf(`{"timestamp":"2025-09-17T13:45:23.%09dZ","name":"full_%d","value":%d,"type":"summary","tags":{%s}}`+"\n", i+1, i, i+7, tags(32)))
	}
	full := `{"x":[{"name":"x"}],"metrics":[` + strings.Join(metrics, ",") + `],"y":{"tags":{"a":"b"}}}`
	return []Case{
		accepted(rule, "full", full, strings.Join(lines, "")),
		accepted(rule, "plain", one, plainLine),
		accepted(rule, "nulls", `{"metrics":[{"name":"m","value":1,"type":"gauge","timestamp":null,"tags":null}]}`, plainLine),
		accepted(rule, "three plain", `{"metrics":[`+plain+`,`+plain+`,`+plain+`]}`, plainLine+plainLine+plainLine),
		accepted(rule, "empty tags, then tags", "\n"+` { "metrics" : [ {"tags":{},"name":"a","value":0,"type":"counter"}, {"type":"gauge","value":1e2,"name":"b","tags":{"k":""},"timestamp":1} ] } `,
			`{"timestamp":"`+now+`","name":"a","value":0,"type":"counter"}`+"\n"+`{"timestamp":"1970-01-01T00:00:00.001Z","name":"b","value":100,"type":"gauge","tags":{"k":""}}`+"\n"),
		accepted(rule, "escapes", `{"metrics":[{"n\u0061me":"\u0065scapes","value":1,"type":"gau\u0067e","tags":{"\u006b1":"a\"b\\c\n\u00e9\ud83d\ude00","k0":"\u0000"}}]}`,
			`{"timestamp":"`+now+`","name":"escapes","value":1,"type":"gauge","tags":{"k0":"\u0000","k1":"a\"b\\c\né😀"}}`+"\n"),
		invalid(rule, "without a value", `{"metrics":[{"name":"m","type":"gauge"}]}`, "", Fault{0, "value", metric.CodeRequired}),
		invalid(rule, "without a name", `{"metrics":[{"value":1,"type":"gauge","tags":{"lost":"tag"}}]}`, "", Fault{0, "name", metric.CodeRequired}),
		invalid(rule, "without a type", `{"metrics":[`+plain+`,{"value":1,"name":"n"}]}`, plainLine, Fault{1, "type", metric.CodeRequired}),
		invalid(rule, "tags that are wrong", `{"metrics":[{"name":"t","value":9,"type":"gauge","tags":{"a":"1","b":null}},`+plain+`]}`, plainLine, Fault{0, "tags", metric.CodeType}),
		invalid(rule, "no list", `{"x":[`+plain+`]}`, "", Fault{metric.Envelope, "metrics", metric.CodeRequired}),
		invalid(rule, "empty list", `{"metrics":[]}`, "", Fault{metric.Envelope, "metrics", metric.CodeCount}),
		broken(rule, "cut", full[:len(full)-100]),
		broken(rule, "cut in a name", `{"x":{},"metrics":[{"name":"cut","value":3,"timestamp":9,"tags":{"c":"d"},"ty`),
		broken(rule, "repeated", `{"a":0,"b":0,"metrics":[{"q":0,"tags":{"a":"","a":""}}]}`),
		{Rule: rule, Name: "too many", Body: []byte(`{"metrics":[` + strings.Repeat("0,", metric.MaxMetrics) + `0]}`), Want: Limit},
	}
}
