package enginetest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"metricstream/pkg/metric"
)

// tags returns n members with keys k00, k01, … and values of their own.
func tags(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%02d":"v%d"`, i, i))
	}
	return strings.Join(all, ",")
}

// fieldCases holds what the members of the envelope and of a metric may be.
func fieldCases() []Case {
	const orders = "members come in any order"
	members := []string{`"name":"m"`, `"value":-2.5e-3`, `"type":"gauge"`, `"timestamp":1500`, `"tags":{"b":"2","a":"1"}`, `"x":[]`}
	line := `{"timestamp":"1970-01-01T00:00:01.500Z","name":"m","value":-0.0025,"type":"gauge","tags":{"a":"1","b":"2"}}` + "\n"
	var cases []Case
	permute(members, func(order []string) {
		all := strings.Join(order, ",")
		cases = append(cases, accepted(orders, all, `{"metrics":[{`+all+`}]}`, line))
	})

	const kinds = "each member has its JSON type; null is no value but for timestamp and tags"
	values := map[string]string{"null": `null`, "true": `true`, "false": `false`, "number": `7`, "string": `"gauge"`, "empty string": `""`, "array": `["m"]`, "empty array": `[]`, "object": `{"a":"b"}`, "empty object": `{}`, "zero": `0`}
	base := map[string]string{"name": `"m"`, "value": `1`, "type": `"gauge"`}
	required := []string{"name", "value", "type"}
	for kind, value := range inOrder(values) {
		for _, field := range append(required, "timestamp", "tags") {
			text := strings.Replace(plain, `"`+field+`":`+base[field], `"`+field+`":`+value, 1)
			if base[field] == "" {
				text = strings.Replace(plain, `}`, `,"`+field+`":`+value+`}`, 1)
			}
			c := invalid(kinds, field+": "+kind, `{"metrics":[`+text+`]}`, "", Fault{0, field, metric.CodeType})
			switch field + " " + kind {
			case "name string", "value number", "value zero", "type string", "timestamp null", "timestamp number", "timestamp zero", "tags null", "tags empty object", "tags object":
				c = accepted(kinds, field+": "+kind, string(c.Body), map[string]string{
					"name string": strings.Replace(plainLine, `"m"`, `"gauge"`, 1), "value number": strings.Replace(plainLine, `:1,`, `:7,`, 1), "value zero": strings.Replace(plainLine, `:1,`, `:0,`, 1),
					"timestamp number": strings.Replace(plainLine, now, "1970-01-01T00:00:00.007Z", 1), "timestamp zero": strings.Replace(plainLine, now, "1970-01-01T00:00:00.000Z", 1), "tags object": tagged("a", "b"),
				}[field+" "+kind])
				if c.Lines == "" {
					c.Lines = plainLine
				}
			case "name empty string":
				c.Faults[0].Code = metric.CodeLength
			case "type empty string", "timestamp string", "timestamp empty string":
				c.Faults[0].Code = metric.CodePattern
			}
			cases = append(cases, c)
		}
		if kind == "object" || kind == "empty object" {
			cases = append(cases, invalid(kinds, "metric: "+kind, `{"metrics":[`+plain+`,`+value+`,`+plain+`]}`, plainLine+plainLine,
				Fault{1, "name", metric.CodeRequired}, Fault{1, "value", metric.CodeRequired}, Fault{1, "type", metric.CodeRequired}))
		} else {
			cases = append(cases, invalid(kinds, "metric: "+kind, `{"metrics":[`+plain+`,`+value+`,`+plain+`]}`, plainLine+plainLine, Fault{1, "", metric.CodeType}))
		}
		if kind != "array" && kind != "empty array" {
			for _, body := range []string{`{"metrics":` + value + `}`, `{"x":0,"metrics":` + value + `,"y":[]}`} {
				cases = append(cases, invalid(kinds, "metrics: "+kind, body, "", Fault{metric.Envelope, "metrics", metric.CodeType}))
			}
		}
	}
	for _, without := range required {
		for _, extra := range []string{``, `"x":0,`, `"tags":{"a":"b"},`, `"timestamp":1,`} {
			text := strings.Replace(plain, `"`+without+`":`+base[without], extra, 1)
			text = strings.NewReplacer(`,,`, `,`, `{,`, `{`, `,}`, `}`).Replace(text)
			cases = append(cases, invalid("name, value and type are required", "without "+without+" "+extra, `{"metrics":[`+text+`]}`, "", Fault{0, without, metric.CodeRequired}))
		}
	}

	const names = "a name is [a-zA-Z_:][a-zA-Z0-9_:./-]*, 1 to 255 bytes"
	named := func(name string) string {
		return `{"metrics":[` + strings.Replace(plain, `"m"`, `"`+name+`"`, 1) + `]}`
	}
	for _, name := range []string{`a`, `Z`, `_`, `:`, `a0`, `cpu_usage`, `a.b`, `a/b`, `a-b`, `a:b`, `::`, `_9`, `A-Z.a/z_0:9`, `a.`, `a-`, strings.Repeat("n", 254), strings.Repeat("n", 255), strings.Repeat(":-", 127)} {
		cases = append(cases, accepted(names, fmt.Sprintf("%.40s", name), named(name), strings.Replace(plainLine, `"m"`, `"`+name+`"`, 1)))
	}
	cases = append(cases, accepted(names, "255 bytes by escapes", named(strings.Repeat(`\u006e`, 255)), strings.Replace(plainLine, `"m"`, `"`+strings.Repeat("n", 255)+`"`, 1)))
	for _, name := range []string{`0`, `9a`, `.a`, `-a`, `/a`, ` a`, `a `, `a b`, `a,b`, `a"b`, `a\b`, `a+b`, `a@b`, `a[`, "a`", `a{`, `é`, `aé`, `аbc`, "a\u0000", "a\u007f", "a\n", `a*`, `a;`, `日本`, strings.Repeat("n", 254) + " ", strings.Repeat("n", 15) + "@", strings.Repeat("n", 31) + "{"} {
		quoted := string(metric.AppendJSONString(nil, name))
		cases = append(cases, invalid(names, fmt.Sprintf("%.40q", name), named(quoted[1:len(quoted)-1]), "", Fault{0, "name", metric.CodePattern}))
	}
	for _, name := range []string{``, strings.Repeat("n", 256), strings.Repeat("n", 257), strings.Repeat("n", 1000), strings.Repeat("é", 128), strings.Repeat(`\u006e`, 256), `9` + strings.Repeat("n", 255)} {
		cases = append(cases, invalid(names, fmt.Sprintf("%.20q of %d", name, len(name)), named(name), "", Fault{0, "name", metric.CodeLength}))
	}

	const types = "a type is gauge, counter, histogram or summary"
	typed := func(name string) string { return strings.Replace(one, `"gauge"`, `"`+name+`"`, 1) }
	for _, name := range []string{`gauge`, `counter`, `histogram`, `summary`} {
		want := strings.Replace(plainLine, "gauge", name, 1)
		cases = append(cases, accepted(types, name, typed(name), want), accepted(types, name+" escaped", typed(`\u00`+fmt.Sprintf("%x", name[0])+name[1:]), want),
			accepted(types, name+" first", `{"metrics":[{"type":"`+name+`","name":"m","value":1}]}`, want))
		for _, wrong := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], name[:len(name)-1], name + "s", name + " ", " " + name, name + `\u0000`, name[1:], name + name, name[:1] + `\u00df` + name[2:]} {
			cases = append(cases, invalid(types, wrong, typed(wrong), "", Fault{0, "type", metric.CodePattern}),
				invalid(types, wrong+" first", `{"metrics":[{"type":"`+wrong+`","name":"m","value":1}]}`, "", Fault{0, "type", metric.CodePattern}))
		}
	}
	for _, wrong := range []string{``, `untyped`, `rate`, `0`, `null`, `g`, `gaug`, `\u017fummary`, `hi\u017ftogram`, strings.Repeat("gauge", 100)} {
		cases = append(cases, invalid(types, wrong, typed(wrong), "", Fault{0, "type", metric.CodePattern}))
	}
	return cases
}

// inOrder yields the entries of m sorted by key, so that the tables are the same in every run.
func inOrder(m map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// permute calls f with every order of items.
func permute(items []string, f func([]string)) {
	var recurse func(n int)
	recurse = func(n int) {
		if n == len(items) {
			f(items)
			return
		}
		for i := n; i < len(items); i++ {
			items[n], items[i] = items[i], items[n]
			recurse(n + 1)
			items[n], items[i] = items[i], items[n]
		}
	}
	recurse(0)
}

// limitCases holds the number of metrics, and how errors are listed.
func limitCases() []Case {
	const count = "a request has 1 to 10,000 metrics"
	const list = "errors are listed in the order of the body, at most 100 of them"
	cases := []Case{
		invalid(count, "none", `{"metrics":[]}`, "", Fault{metric.Envelope, "metrics", metric.CodeCount}),
		invalid(count, "none, with a space", `{"metrics":[ ]}`, "", Fault{metric.Envelope, "metrics", metric.CodeCount}),
		invalid("metrics is required", "empty object", `{}`, "", Fault{metric.Envelope, "metrics", metric.CodeRequired}),
		invalid("metrics is required", "a metric alone", plain, "", Fault{metric.Envelope, "metrics", metric.CodeRequired}),
		invalid("metrics is required", "metrics deeper", `{"x":`+one+`}`, "", Fault{metric.Envelope, "metrics", metric.CodeRequired}),
		accepted("metrics is required", "metrics deeper, too", `{"x":{"metrics":[]},"metrics":[`+plain+`]}`, plainLine),
		invalid("repeated names are refused in objects with a role only", "metrics an object", `{"metrics":{"a":1,"a":2}}`, "", Fault{metric.Envelope, "metrics", metric.CodeType}),
		invalid("repeated names are refused in objects with a role only", "a list in metrics", `{"metrics":[[{"a":1,"a":2}]]}`, "", Fault{0, "", metric.CodeType}),
		invalid("repeated names are refused in objects with a role only", "a name that is an object", `{"metrics":[{"name":{"a":1,"a":2},"value":1,"type":"gauge"}]}`, "", Fault{0, "name", metric.CodeType}),
		invalid("repeated names are refused in objects with a role only", "tags in a list", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":[{"a":1,"a":2}]}]}`, "", Fault{0, "tags", metric.CodeType}),
		invalid("repeated names are refused in objects with a role only", "a tag that is an object", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{"a":{"a":1,"a":2}}}]}`, "", Fault{0, "tags", metric.CodeType}),
		accepted("repeated names are refused in objects with a role only", "tags in the envelope", `{"tags":{"a":1,"a":2},"metrics":[`+plain+`]}`, plainLine),
		accepted("repeated names are refused in objects with a role only", "metrics in a metric", strings.Replace(one, `"name"`, `"metrics":[{"a":1,"a":2}],"name"`, 1), plainLine),
		invalid(list, "several in one metric", `{"metrics":[{"tags":{"a":1},"timestamp":true,"type":"x","value":"1","name":""}]}`, "",
			Fault{0, "name", metric.CodeLength}, Fault{0, "value", metric.CodeType}, Fault{0, "type", metric.CodePattern}, Fault{0, "timestamp", metric.CodeType}, Fault{0, "tags", metric.CodeType}),
		invalid(list, "in several metrics", `{"metrics":[{"name":"9","value":1,"type":"gauge"},`+plain+`,null,`+plain+`,{"name":"m","value":1,"type":"gauge","tags":{"9":"","a":null}}]}`, plainLine+plainLine,
			Fault{0, "name", metric.CodePattern}, Fault{2, "", metric.CodeType}, Fault{4, "tags", metric.CodePattern}, Fault{4, "tags", metric.CodeType}),
		invalid(list, "key and value of one tag", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{"9":9}}]}`, "", Fault{0, "tags", metric.CodePattern}, Fault{0, "tags", metric.CodeType}),
	}
	full := strings.TrimSuffix(strings.Repeat(plain+",", metric.MaxMetrics), ",")
	cases = append(cases, accepted(count, "10,000", `{"metrics":[`+full+`]}`, strings.Repeat(plainLine, metric.MaxMetrics)))
	for _, n := range []int{1, 99, 100, 101, 250, metric.MaxMetrics} {
		c := invalid(list, fmt.Sprintf("%d metrics are 0", n), `{"metrics":[`+strings.TrimSuffix(strings.Repeat("0,", n), ",")+`,`+plain+`]}`, plainLine)
		if n == metric.MaxMetrics {
			c = invalid(list, "all metrics are 0", `{"metrics":[`+strings.TrimSuffix(strings.Repeat("0,", n), ",")+`]}`, "")
		}
		for i := range min(n, metric.MaxFieldErrors) {
			c.Faults = append(c.Faults, Fault{i, "", metric.CodeType})
		}
		c.Rejected = n
		cases = append(cases, c)
	}
	c := invalid(list, "three errors each, cut inside a metric", `{"metrics":[`+strings.TrimSuffix(strings.Repeat("{},", 50), ",")+`]}`, "")
	for i := range metric.MaxFieldErrors {
		c.Faults = append(c.Faults, Fault{i / 3, []string{"name", "value", "type"}[i%3], metric.CodeRequired})
	}
	c.Rejected = 50
	return append(cases, c)
}

// tagCases holds what tags may be.
func tagCases() []Case {
	const count, keys, values = "a metric has at most 32 tags", "a tag's key is [a-zA-Z_][a-zA-Z0-9_./-]*, 1 to 128 bytes", "a tag's value is a string of at most 1,024 bytes"
	with := func(tags string) string {
		return `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{` + tags + `}}]}`
	}
	sorted := func(tags string) string { return strings.TrimSuffix(plainLine, "}\n") + `,"tags":{` + tags + "}}\n" }
	reversed := func(n int) string {
		all := strings.Split(tags(n), ",")
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
		return strings.Join(all, ",")
	}
	refused := func(rule, name, tags string, codes ...metric.Code) Case {
		var faults []Fault
		for _, code := range codes {
			faults = append(faults, Fault{0, "tags", code})
		}
		return invalid(rule, name, with(tags), "", faults...)
	}
	cases := []Case{
		accepted(count, "none", with(``), plainLine),
		accepted(count, "none, with a space", with(` `), plainLine),
		accepted(count, "31", with(tags(31)), sorted(tags(31))),
		accepted(count, "32", with(tags(32)), sorted(tags(32))),
		refused(count, "33", tags(33), metric.CodeCount),
		refused(count, "34", tags(34), metric.CodeCount),
		refused(count, "33 from the last", reversed(33), metric.CodeCount),
		refused(count, "500", tags(99)+`,`+strings.ReplaceAll(tags(99), `"k`, `"l`), metric.CodeCount),
		refused(count, "33, one of them wrong", `"9":"",`+tags(32), metric.CodeCount, metric.CodePattern),
		refused(count, "33, the last wrong", tags(32)+`,"l":0`, metric.CodeCount, metric.CodeType),
		accepted("tags are sorted by key", "from the last", with(reversed(32)), sorted(tags(32))),
		accepted("tags are sorted by key", "bytewise", with(`"b":"1","a":"2","B":"3","_":"4","aa":"5","a.":"6","a-":"7","a/":"8","a0":"9","A":"10"`), sorted(`"A":"10","B":"3","_":"4","a":"2","a-":"7","a.":"6","a/":"8","a0":"9","aa":"5","b":"1"`)),
		accepted(values, "empty", with(`"a":"","b":""`), sorted(`"a":"","b":""`)),
		accepted(values, "escaped in the line as little as possible", with(`"a":"\u0000\u0001\b\t\n\u000b\f\r\u001f\"\\\/\u007f<>&\u2028é\ud83d\ude00"`), sorted("\"a\":\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\x7f<>&\u2028é😀\"")),
	}
	for _, key := range []string{`a`, `Z`, `_`, `a0`, `a.b`, `a/b`, `a-b`, `_.`, `name`, `tags`, strings.Repeat("k", 127), strings.Repeat("k", 128)} {
		cases = append(cases, accepted(keys, fmt.Sprintf("%.20s of %d", key, len(key)), with(`"`+key+`":"v"`), tagged(key, "v")))
	}
	cases = append(cases, accepted(keys, "128 bytes by escapes", with(`"`+strings.Repeat(`\u006b`, 128)+`":"v"`), tagged(strings.Repeat("k", 128), "v")))
	for _, key := range []string{`0`, `:`, `a:b`, `.a`, `-a`, `/a`, ` `, `a b`, `é`, `aé`, `a@`, `a[`, `日本`, `a\n`, `a\u0000`, strings.Repeat("k", 127) + ":"} {
		cases = append(cases, refused(keys, fmt.Sprintf("%.20s", key), `"`+key+`":"v"`, metric.CodePattern), refused(keys, fmt.Sprintf("%.20s among others", key), `"b":"1","`+key+`":"v","c":"2"`, metric.CodePattern))
	}
	for _, key := range []string{``, strings.Repeat("k", 129), strings.Repeat("k", 1000), strings.Repeat("é", 65), strings.Repeat(`\u006b`, 129)} {
		cases = append(cases, refused(keys, fmt.Sprintf("%.20s of %d", key, len(key)), `"`+key+`":"v"`, metric.CodeLength))
	}
	for _, unit := range []struct {
		raw, text string
	}{{"v", "v"}, {`\u0076`, "v"}, {`\"`, `"`}, {`\u0000`, "\x00"}, {"é", "é"}, {`\u00e9`, "é"}, {`\ud83d\ude00`, "😀"}, {"😀", "😀"}} {
		n := metric.MaxTagValueLen / len(unit.text)
		cases = append(cases,
			accepted(values, fmt.Sprintf("1,024 bytes of %s", unit.raw), with(`"k":"`+strings.Repeat(unit.raw, n)+`"`), tagged("k", strings.Repeat(unit.text, n))),
			accepted(values, fmt.Sprintf("1,023 bytes or less of %s", unit.raw), with(`"k":"`+strings.Repeat(unit.raw, n-1)+`"`), tagged("k", strings.Repeat(unit.text, n-1))),
			refused(values, fmt.Sprintf("1,025 bytes of %s", unit.raw), `"k":"`+strings.Repeat(unit.raw, n)+`x"`, metric.CodeLength),
			refused(values, fmt.Sprintf("1,028 bytes or less of %s", unit.raw), `"k":"`+strings.Repeat(unit.raw, n+1)+`"`, metric.CodeLength),
		)
	}
	for _, value := range []string{`null`, `true`, `false`, `0`, `-1.5`, `[]`, `["v"]`, `{}`, `{"a":"b"}`} {
		cases = append(cases, refused(values, value, `"a":`+value, metric.CodeType), refused(values, value+" among others", `"a":"","b":`+value+`,"c":""`, metric.CodeType))
	}
	return cases
}
