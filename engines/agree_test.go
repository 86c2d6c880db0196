package engines

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// accepted are good bodies at the edges where the libraries differ, with the lines that each must become.
// The conformance suite goes through the whole contract; these are the adapters' own seams.
var accepted = []struct{ name, body, lines string }{
	{"all members", bodyOne,
		`{"timestamp":"2025-09-17T13:45:23.123Z","name":"cpu_usage","value":75.5,"type":"gauge","tags":{"host":"server1"}}`},
	{"members in another order, spread out",
		" { \"more\" : [ { } , null ] ,\n\t\"metrics\" : [ { \"tags\" : { \"b\" : \"2\" , \"a\" : \"1\" } , \"timestamp\" : 1000 , \"type\" : \"counter\" , \"value\" : 3 , \"name\" : \"n\" } ] } \r\n",
		`{"timestamp":"1970-01-01T00:00:01.000Z","name":"n","value":3,"type":"counter","tags":{"a":"1","b":"2"}}`},
	{"neither time nor tags", one(`"name":"n","value":1,"type":"gauge"`), line(`1`, ``)},
	{"null time and tags", one(`"name":"n","value":1,"type":"gauge","timestamp":null,"tags":null`), line(`1`, ``)},
	{"empty tags", one(`"name":"n","value":1,"type":"gauge","tags":{}`), line(`1`, ``)},
	{"an empty tag", one(`"name":"n","value":1,"type":"gauge","tags":{"k":""}`), line(`1`, `,"tags":{"k":""}`)},
	{"an empty tag beside a null", one(`"name":"n","value":1,"type":"gauge","timestamp":null,"tags":{"k":""}`), line(`1`, `,"tags":{"k":""}`)},
	{"a value of 0", one(`"name":"n","value":0,"type":"gauge"`), line(`0`, ``)},
	{"a value of -0", one(`"name":"n","value":-0,"type":"gauge"`), line(`0`, ``)},
	{"a counter of -0.0", one(`"name":"n","value":-0.0,"type":"counter"`), strings.Replace(line(`0`, ``), "gauge", "counter", 1)},
	{"a value that underflows", one(`"name":"n","value":1e-400,"type":"gauge"`), line(`0`, ``)},
	{"the smallest value", one(`"name":"n","value":5e-324,"type":"gauge"`), line(`5e-324`, ``)},
	{"the largest value", one(`"name":"n","value":1.7976931348623157e308,"type":"gauge"`), line(`1.7976931348623157e+308`, ``)},
	{"a value with many digits", one(`"name":"n","value":1` + strings.Repeat("0", 400) + `e-400,"type":"gauge"`), line(`1`, ``)},
	{"escapes everywhere", `{"\u006detrics":[{"n\u0061me":"\u006e","valu\u0065":1,"t\u0079pe":"g\u0061uge","timest\u0061mp":"1970-01-01T00\u003a00:01Z","t\u0061gs":{"\u006b":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}}]}`,
		`{"timestamp":"1970-01-01T00:00:01.000Z","name":"n","value":1,"type":"gauge","tags":{"k":"\"\\/\b\f\n\r\té😀"}}`},
	{"names in another case are unknown", `{"Metrics":5,"metrics":[{"Name":7,"NAME":[],"VALUE":null,"Type":{},"TAGS":0,"Timestamp":"no","name":"n","value":1,"type":"gauge"}],"METRICS":[]}`, line(`1`, ``)},
	{"names that fold beyond ASCII are unknown", `{"metricſ":5,"metrics":[{"timeſtamp":"no","tagſ":1,"name":"n","value":1,"type":"gauge"}]}`, line(`1`, ``)},
	{"names repeated in ignored values", `{"x":{"a":1,"a":2},"metrics":[{"y":[{"a":1,"a":2}],"name":"n","value":1,"type":"gauge"}]}`, line(`1`, ``)},
	{"numbers beyond a double in ignored values", `{"x":[1e999,{"y":-1E+999}],"metrics":[{"z":1` + strings.Repeat("0", 309) + `,"name":"n","value":1,"type":"gauge","tags":{"k":"\"1e999"}}]}`,
		line(`1`, `,"tags":{"k":"\"1e999"}`)},
	{"braces in a tag", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"{{{{}"}`), line(`1`, `,"tags":{"k":"{{{{}"}`)},
	{"depth 32", `{"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `,"metrics":[{"name":"n","value":1,"type":"gauge"}]}`, line(`1`, ``)},
	{"most tags", one(`"name":"n","value":1,"type":"gauge","tags":{` + tags(metric.MaxTags) + `}`), line(`1`, `,"tags":{`+tags(metric.MaxTags)+`}`)},
	{"most metrics", `{"metrics":[` + strings.Repeat(smallestMetric+",", metric.MaxMetrics-1) + smallestMetric + `]}`,
		strings.Repeat(line(`1`, ``)+"\n", metric.MaxMetrics-1) + line(`1`, ``)},
}

// refused are bodies with one thing wrong.
var refused = []struct {
	name, body string
	class      error
}{
	{"nothing", ``, metric.ErrSyntax},
	{"an array", `[]`, metric.ErrSchema},
	{"null", `null`, metric.ErrSchema},
	{"no metrics", `{}`, metric.ErrSchema},
	{"null metrics", `{"metrics":null}`, metric.ErrSchema},
	{"empty metrics", `{"metrics":[]}`, metric.ErrSchema},
	{"metrics an object", `{"metrics":{}}`, metric.ErrSchema},
	{"a metric null", `{"metrics":[null]}`, metric.ErrSchema},
	{"nulls, then a metric without a value", `{"metrics":[null,null,null,{"name":"n","type":"gauge"}]}`, metric.ErrSchema},
	{"many smallest metrics, then one without a value", `{"metrics":[` + strings.Repeat(smallestMetric+",", 300) + `{"name":"n","type":"gauge"}]}`, metric.ErrSchema},
	{"many smallest metrics, then one with a null value", `{"metrics":[` + strings.Repeat(smallestMetric+",", 300) + `{"name":"n","type":"gauge","value":null}]}`, metric.ErrSchema},
	{"a metric a number", `{"metrics":[1]}`, metric.ErrSchema},
	{"empty metric", `{"metrics":[{}]}`, metric.ErrSchema},
	{"no name", one(`"value":1,"type":"gauge"`), metric.ErrSchema},
	{"null name", one(`"name":null,"value":1,"type":"gauge"`), metric.ErrSchema},
	{"name a number", one(`"name":1,"value":1,"type":"gauge"`), metric.ErrSchema},
	{"bad name", one(`"name":"1","value":1,"type":"gauge"`), metric.ErrSchema},
	{"no value", one(`"name":"n","type":"gauge"`), metric.ErrSchema},
	{"null value", one(`"name":"n","value":null,"type":"gauge"`), metric.ErrSchema},
	{"value a string", one(`"name":"n","value":"1","type":"gauge"`), metric.ErrSchema},
	{"value too large", one(`"name":"n","value":1e999,"type":"gauge"`), metric.ErrSchema},
	{"values too large", `{"x":1e999,"metrics":[{"name":"n","value":-1e999,"type":"gauge"}]}`, metric.ErrSchema},
	{"timestamp too large for a double", one(`"name":"n","value":1,"type":"gauge","timestamp":1e999`), metric.ErrSchema},
	{"negative counter", one(`"name":"n","value":-1,"type":"counter"`), metric.ErrSchema},
	{"no type", one(`"name":"n","value":1`), metric.ErrSchema},
	{"null type", one(`"name":"n","value":1,"type":null`), metric.ErrSchema},
	{"unknown type", one(`"name":"n","value":1,"type":"Gauge"`), metric.ErrSchema},
	{"timestamp of another form", one(`"name":"n","value":1,"type":"gauge","timestamp":"2025-09-17"`), metric.ErrSchema},
	{"timestamp with an escape that is wrong then", one(`"name":"n","value":1,"type":"gauge","timestamp":"\u0032025-09-17"`), metric.ErrSchema},
	{"timestamp empty", one(`"name":"n","value":1,"type":"gauge","timestamp":""`), metric.ErrSchema},
	{"timestamp no integer", one(`"name":"n","value":1,"type":"gauge","timestamp":1.0`), metric.ErrSchema},
	{"timestamp negative", one(`"name":"n","value":1,"type":"gauge","timestamp":-1`), metric.ErrSchema},
	{"timestamp true", one(`"name":"n","value":1,"type":"gauge","timestamp":true`), metric.ErrSchema},
	{"timestamp an object", one(`"name":"n","value":1,"type":"gauge","timestamp":{}`), metric.ErrSchema},
	{"tags an array", one(`"name":"n","value":1,"type":"gauge","tags":[]`), metric.ErrSchema},
	{"a tag null", one(`"name":"n","value":1,"type":"gauge","tags":{"k":null}`), metric.ErrSchema},
	{"a tag a number", one(`"name":"n","value":1,"type":"gauge","tags":{"k":1}`), metric.ErrSchema},
	{"bad tag key", one(`"name":"n","value":1,"type":"gauge","tags":{"":"v"}`), metric.ErrSchema},
	{"tag too long", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"` + strings.Repeat("v", metric.MaxTagValueLen+1) + `"}`), metric.ErrSchema},
	{"too many tags", one(`"name":"n","value":1,"type":"gauge","tags":{` + tags(metric.MaxTags+1) + `}`), metric.ErrSchema},
	{"too many metrics", `{"metrics":[` + strings.Repeat(smallestMetric+",", metric.MaxMetrics) + smallestMetric + `]}`, metric.ErrLimit},
	{"metrics repeated", `{"metrics":[],"metrics":[{"name":"n","value":1,"type":"gauge"}]}`, metric.ErrSyntax},
	{"name repeated", one(`"name":"n","value":1,"type":"gauge","n\u0061me":"m"`), metric.ErrSyntax},
	{"unknown name repeated", one(`"name":"n","value":1,"type":"gauge","x":1,"x":2`), metric.ErrSyntax},
	{"tag repeated", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"1","k":"2"}`), metric.ErrSyntax},
	{"depth 33", `{"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `,"metrics":[{"name":"n","value":1,"type":"gauge"}]}`, metric.ErrSyntax},
	{"invalid UTF-8", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"` + "\xff" + `"}`), metric.ErrSyntax},
	{"lone surrogate", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"\ud800"}`), metric.ErrSyntax},
	{"control character", one(`"name":"n","value":1,"type":"gauge","tags":{"k":"` + "\x01" + `"}`), metric.ErrSyntax},
	{"bad escape in a skipped value", one(`"name":"n","value":1,"type":"gauge","x":"\q"`), metric.ErrSyntax},
	{"leading zero", one(`"name":"n","value":01,"type":"gauge"`), metric.ErrSyntax},
	{"something after the document", bodyOne + `{}`, metric.ErrSyntax},
	{"cut off", bodyOne[:len(bodyOne)-1], metric.ErrSyntax},
}

func one(members string) string { return `{"metrics":[{` + members + `}]}` }

func line(value, tags string) string {
	return `{"timestamp":"2001-09-09T01:46:40.000Z","name":"n","value":` + value + `,"type":"gauge"` + tags + `}`
}

func tags(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%02d":"v"`, i))
	}
	return strings.Join(all, ",")
}

// received is the batch's Received in these tests.
const received = 1_000_000_000_000_000_000

func linesOf(dst *metric.Batch) string {
	dst.Received = received
	return strings.TrimSuffix(string(dst.AppendJSONLines(nil)), "\n")
}

// TestSpaceBehindTimestamps: where a raw value ends depends on what follows it, and on where in the body it stands.
func TestSpaceBehindTimestamps(t *testing.T) {
	want := strings.Replace(line(`1`, ``), "2001-09-09T01:46:40", "1970-01-01T00:00:01", 1)
	for _, e := range All() {
		dec, dst := e.New(), new(metric.Batch)
		for _, value := range []string{`1000`, `"1970-01-01T00:00:01Z"`, `"1970-01-01T00\u003a00:01Z"`, `null`} {
			want := want
			if value == "null" {
				want = line(`1`, ``)
			}
			for _, space := range []string{" ", "\t", "\n", "\r", "\r  \t", strings.Repeat(" \r\n\t", 20)} {
				for pad := range 70 {
					body := strings.Repeat(" ", pad) + `{"metrics":[{"name":"n","value":1,"type":"gauge","timestamp":` + space + value + space + `}]}`
					require.NoError(t, dec.Decode(dst, []byte(body)), "%s: %q", e.Name, body)
					require.Equal(t, want, linesOf(dst), "%s: %q", e.Name, body)
				}
			}
		}
	}
}

// Each body is decoded by a fresh decoder and by one that has met all before it, and must not be changed.
func TestEnginesAgree(t *testing.T) {
	for _, e := range All() {
		t.Run(e.Name, func(t *testing.T) {
			used, usedDst := e.New(), new(metric.Batch)
			for range 2 {
				for _, c := range accepted {
					body := []byte(c.body)
					for _, dec := range []metric.Decoder{e.New(), used} {
						require.NoError(t, dec.Decode(usedDst, body), c.name)
						require.Equal(t, c.lines, linesOf(usedDst), c.name)
						require.Equal(t, c.body, string(body), "%s: the body was written to", c.name)
					}
				}
				for _, c := range refused {
					body := []byte(c.body)
					for _, dec := range []metric.Decoder{e.New(), used} {
						err := dec.Decode(usedDst, body)
						require.ErrorIs(t, err, c.class, c.name)
						require.NotErrorIs(t, err, ErrDiverged, c.name)
						require.Equal(t, c.body, string(body), "%s: the body was written to", c.name)
					}
				}
			}
		})
	}
}
