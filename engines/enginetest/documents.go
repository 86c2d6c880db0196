package enginetest

import (
	"fmt"
	"strings"

	"metricstream/pkg/metric"
)

// one is the smallest accepted body.
const one = `{"metrics":[` + plain + `]}`

// documentCases holds what a whole body may be.
func documentCases() []Case {
	const rule = "the body is one JSON text"
	cases := []Case{
		accepted(rule, "smallest", one, plainLine),
		broken(rule, "empty body", ""),
		broken(rule, "a NUL alone", "\x00"),
		broken(rule, "byte order mark", "\xef\xbb\xbf"+one),
		broken(rule, "byte order mark at the end", one+"\xef\xbb\xbf"),
		broken(rule, "UTF-16", "\xff\xfe{\x00}\x00"),
		broken(rule, "UTF-16 without a mark", "{\x00}\x00"),
		broken(rule, "text before", "x"+one),
		broken(rule, "record separator before", "\x1e"+one),
		broken(rule, "invalid UTF-8 before", "\xff"+one),
		broken(rule, "invalid UTF-8 after", one+"\xff"),
	}
	for _, tail := range []string{"\x00", " \x00", "\x00 ", "\n\x00\x00\x00\x00\x00\x00\x00\x00", "x", " x", "{}", " {}", "[]", "]", "}", ",", ":", "0", "-", `"`, `""`, "null", "\n" + one, one, "//", "/* */", "#", ";", "\v", "\f", "\x7f", "\u00a0", "\u2028", "\xef\xbb\xbf"} {
		cases = append(cases, broken("nothing follows the document but white space", fmt.Sprintf("%q", tail), one+tail))
		for _, n := range []int{1, 7, 15, 31, 63} {
			cases = append(cases, broken("nothing follows the document but white space", fmt.Sprintf("%q after %d spaces", tail, n), one+spaces[:n]+tail))
		}
	}
	for _, body := range []string{`null`, `true`, `false`, `0`, `-1.5e3`, `"x"`, `""`, `[]`, `[` + plain + `]`, `[` + one + `]`, `"metrics"`, `[{"metrics":0,"metrics":0}]`} {
		cases = append(cases, invalid("the document is an object", body, body, "", Fault{metric.Envelope, "", metric.CodeType}))
		cases = append(cases, invalid("the document is an object", body, " "+body+"\n", "", Fault{metric.Envelope, "", metric.CodeType}))
	}
	return cases
}

// spaceCases holds white space at every place where it may be, and what is none at every such place.
func spaceCases() []Case {
	tokens := []string{"", "{", `"x"`, ":", "[", "null", ",", "{", "}", ",", "[", "]", "]", ",", `"metrics"`, ":", "[", "{", `"name"`, ":", `"m"`, ",", `"value"`, ":", "0", ",", `"type"`, ":", `"gauge"`,
		",", `"tags"`, ":", "{", `"a"`, ":", `"b"`, ",", `"c"`, ":", `"d"`, "}", ",", `"timestamp"`, ":", "0", "}", ",", "{", `"timestamp"`, ":", "null", ",", `"tags"`, ":", "{", "}", ",", `"name"`, ":", `"m"`, ",", `"value"`, ":", "0", ",", `"type"`, ":", `"gauge"`, "}", "]", "}", ""}
	lines := `{"timestamp":"1970-01-01T00:00:00.000Z","name":"m","value":0,"type":"gauge","tags":{"a":"b","c":"d"}}` + "\n" +
		`{"timestamp":"` + now + `","name":"m","value":0,"type":"gauge"}` + "\n"
	var cases []Case
	for _, s := range []string{" ", "\t", "\n", "\r", "\r\n", "  ", "\n        ", spaces[:17], spaces[:33], spaces[:70]} {
		rule := "white space is space, tab, line feed and carriage return"
		cases = append(cases, accepted(rule, fmt.Sprintf("%q everywhere", s), strings.Join(tokens, s), lines), broken(rule, fmt.Sprintf("only %q", s), s))
		for i := 1; i < len(tokens); i++ {
			body := strings.Join(tokens[:i], "") + s + strings.Join(tokens[i:], "")
			cases = append(cases, accepted(rule, fmt.Sprintf("%q before token %d", s, i), body, lines))
		}
	}
	for _, s := range []string{"\x00", "\v", "\f", "\b", "\x1f", "\x7f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\xa0", "x", "'", "/", "\\"} {
		for i := 1; i < len(tokens); i++ {
			body := strings.Join(tokens[:i], "") + s + strings.Join(tokens[i:], "")
			cases = append(cases, broken("only white space stands between tokens", fmt.Sprintf("%q before token %d", s, i), body))
		}
	}
	for i := 1; i < len(tokens)-1; i++ {
		body := strings.Join(tokens[:i], "") + strings.Join(tokens[i+1:], "")
		cases = append(cases, broken("no token may be missing", fmt.Sprintf("without token %d", i), body))
		body = strings.Join(tokens[:i], "") + tokens[i] + strings.Join(tokens[i:], "")
		cases = append(cases, broken("no token may be there twice", fmt.Sprintf("token %d twice", i), body))
	}
	return cases
}

// nameCases holds how members' names are matched, and where they may not repeat.
func nameCases() []Case {
	const repeated = "a name may not repeat in the envelope, a metric or tags"
	with := func(members string) string {
		return `{"metrics":[{"name":"m",` + members + `"value":1,"type":"gauge"}]}`
	}
	var cases []Case
	for _, names := range [][2]string{
		{`x`, `x`}, {``, ``}, {`x`, `\u0078`}, {`\u0078`, `x`}, {`\u0078`, `\u0078`}, {`\u00e9`, `é`}, {`é`, `\u00E9`}, {`\ud83d\ude00`, `😀`}, {`/`, `\/`}, {`\n`, `\u000a`}, {`\"`, `\u0022`}, {`\\`, `\u005c`},
		{`a long name of more than thirty-two bytes`, `a long name of more than thirty-two bytes`}, {`a long name of more than sixteen`, `a l\u006fng name of more than sixteen`}, {`\u0000`, `\u0000`},
	} {
		a, b := `"`+names[0]+`":0`, `"`+names[1]+`":0`
		name := names[0] + " and " + names[1]
		cases = append(cases,
			broken(repeated, name+" in the envelope", `{`+a+`,`+b+`,"metrics":[`+plain+`]}`),
			broken(repeated, name+" around metrics", `{`+a+`,"metrics":[`+plain+`],`+b+`}`),
			broken(repeated, name+" in the envelope, last", `{"metrics":[`+plain+`],`+a+`,"y":0,`+b+`}`),
			broken(repeated, name+" in a metric", with(a+`,`+b+`,`)),
			broken(repeated, name+" in a metric, far apart", `{"metrics":[{`+a+`,"name":"m","value":1,"type":"gauge","tags":{"a":"b"},`+b+`}]}`),
			broken(repeated, name+" in the second metric", `{"metrics":[`+plain+`,{`+a+`,`+b+`,"name":"m","value":1,"type":"gauge"}]}`),
			broken(repeated, name+" in tags", with(`"tags":{"`+names[0]+`":"1","`+names[1]+`":"2"},`)),
			broken(repeated, name+" in tags of numbers", with(`"tags":{`+a+`,`+b+`},`)),
			broken(repeated, name+" in tags, far apart", with(`"tags":{"`+names[0]+`":"1","h":"","`+`i":"","j":"","`+names[1]+`":"2"},`)),
			accepted("names may repeat inside an ignored value", name+" in the envelope", `{"x":{`+a+`,`+b+`},"metrics":[`+plain+`]}`, plainLine),
			accepted("names may repeat inside an ignored value", name+" in a metric", with(`"x":[{`+a+`,`+b+`}],`), plainLine),
			accepted("names may repeat in different objects", name, `{`+a+`,"metrics":[{`+a+`,"name":"m","value":1,"type":"gauge"},{`+b+`,"name":"m","value":1,"type":"gauge","tags":{}}]}`, plainLine+plainLine),
		)
	}
	for _, member := range []string{`"name":"m"`, `"value":1`, `"type":"gauge"`, `"timestamp":null`, `"tags":null`, `"timestamp":0`, `"tags":{}`} {
		escaped := `"\u00` + fmt.Sprintf("%02x", member[1]) + member[2:]
		all := `"name":"m","value":1,"type":"gauge","timestamp":null,"tags":null`
		cases = append(cases,
			broken(repeated, member, `{"metrics":[{`+all+`,`+member+`}]}`),
			broken(repeated, member+" first", `{"metrics":[{`+member+`,`+all+`}]}`),
			broken(repeated, escaped, `{"metrics":[{`+all+`,`+escaped+`}]}`),
			broken(repeated, escaped+" first", `{"metrics":[{`+escaped+`,`+all+`}]}`),
		)
	}
	list := `"metrics":[` + plain + `]`
	cases = append(cases,
		broken(repeated, "metrics", `{`+list+`,`+list+`}`),
		broken(repeated, "metrics, escaped", `{`+list+`,"\u006detrics":[`+plain+`]}`),
		broken(repeated, "metrics, null first", `{"metrics":null,`+list+`}`),
		broken(repeated, "metrics, null last", `{`+list+`,"metrics":null}`),
		broken(repeated, "metrics in an empty list", `{"metrics":[],"metrics":[]}`),
		broken(repeated, "tags, both with tags", with(`"tags":{"a":"1"},"tags":{"b":"2"},`)),
		broken(repeated, "in tags of a metric that is wrong already", `{"metrics":[{"name":1,"tags":{"a":"1","a":"2"}}]}`),
		broken(repeated, "beyond the 32nd tag", with(`"tags":{`+tags(40)+`,"k35":""},`)),
		broken(repeated, "first tag beyond the 32nd", with(`"tags":{`+tags(40)+`,"k00":""},`)),
	)

	for _, text := range []string{`\u006detrics`, `metric\u0073`, `\u006d\u0065\u0074\u0072\u0069\u0063\u0073`} {
		cases = append(cases, accepted("names match after unescaping", text, `{"`+text+`":[`+plain+`]}`, plainLine))
	}
	for _, body := range []string{
		`{"metrics":[{"\u006eame":"m","value":1,"type":"gauge"}]}`, `{"metrics":[{"nam\u0065":"m","value":1,"type":"gauge"}]}`, `{"metrics":[{"name":"m","v\u0061lue":1,"type":"gauge"}]}`,
		`{"metrics":[{"name":"m","value":1,"\u0074ype":"gauge"}]}`, `{"metrics":[{"name":"m","value":1,"type":"g\u0061uge"}]}`, `{"metrics":[{"name":"\u006d","value":1,"type":"gauge"}]}`,
		`{"metrics":[{"name":"m","value":1,"type":"gauge","tag\u0073":{}}]}`, `{"metrics":[{"name":"m","value":1,"type":"gauge","t\u0069mestamp":null}]}`,
	} {
		cases = append(cases, accepted("names match after unescaping", body, body, plainLine))
	}
	cases = append(cases,
		accepted("names match after unescaping", "tags and their keys", with(`"\u0074ags":{"\u006b":"\u0076"},`), tagged("k", "v")),
		accepted("names match after unescaping", "timestamp", with(`"timestam\u0070":"1970-01-01T00:00:0\u0031Z",`), strings.Replace(plainLine, now, "1970-01-01T00:00:01.000Z", 1)),
	)

	const exact = "names match exactly; others are ignored"
	for _, variant := range []string{"Metrics", "METRICS", "metricS", "metric\u017f", "MeTrIcS", "metric", "metricss", "metrics ", " metrics", "metrics\\u0000", "metrics\\u200b", "", "m", "métrics"} {
		cases = append(cases,
			accepted(exact, variant+" last", `{`+list+`,"`+variant+`":[]}`, plainLine),
			accepted(exact, variant+" first", `{"`+variant+`":0,`+list+`}`, plainLine),
			invalid(exact, variant+" alone", `{"`+variant+`":[`+plain+`]}`, "", Fault{metric.Envelope, "metrics", metric.CodeRequired}),
		)
	}
	for _, variant := range []string{"Name", "NAME", "naMe", "nаme" /* Cyrillic а */, "name ", "nam", "namee", "Value", "VALUE", "valuE", "value\\u0000", "Type", "TYPE", "typE", "typ", "types", "Timestamp", "TIMESTAMP", "timeStamp", "time\u017ftamp", "timestam", "timestamps", "Tags", "TAGS", "tag\u017f", "TAG\u017f", "tagS", "tag", "tagss", "\u017f", "\u212a", "x\\ty", "ta\\u0067\u017f"} {
		for _, value := range []string{`"other"`, `2`, `null`, `{"a":"b"}`, `[]`} {
			member := `"` + variant + `":` + value
			cases = append(cases,
				accepted(exact, member+" last", `{"metrics":[{"name":"m","value":1,"type":"gauge",`+member+`}]}`, plainLine),
				accepted(exact, member+" first", `{"metrics":[{`+member+`,"name":"m","value":1,"type":"gauge"}]}`, plainLine),
			)
		}
	}
	cases = append(cases,
		invalid(exact, "all in capitals", `{"metrics":[{"NAME":"m","VALUE":1,"TYPE":"gauge"}]}`, "", Fault{0, "name", metric.CodeRequired}, Fault{0, "value", metric.CodeRequired}, Fault{0, "type", metric.CodeRequired}),
		accepted(exact, "keys of tags differ by case", with(`"tags":{"a":"1","A":"2"},`), strings.TrimSuffix(plainLine, "}\n")+`,"tags":{"A":"2","a":"1"}}`+"\n"),
		accepted(exact, "several variants at once", `{"Metrics":0,"METRICS":1,`+list+`,"metricS":2}`, plainLine),
	)
	return cases
}

// depthCases holds the limit of nesting at every position.
func depthCases() []Case {
	const rule = "nesting is at most 32 deep, the document itself being depth 1"
	var cases []Case
	for _, p := range places() {
		if p.field != ignored {
			continue
		}
		outer := nesting(p.before)
		for kind, brackets := range []string{"array", "object", "mixed"} {
			deep := func(n int) string { return p.before + nested(n, kind) + p.after }
			cases = append(cases,
				accepted(rule, fmt.Sprintf("%s of 32 %s", brackets, p.name), deep(metric.MaxDepth-outer), plainLine),
				broken(rule, fmt.Sprintf("%s of 33 %s", brackets, p.name), deep(metric.MaxDepth-outer+1)),
				broken(rule, fmt.Sprintf("%s of 34 %s", brackets, p.name), deep(metric.MaxDepth-outer+2)),
				broken(rule, fmt.Sprintf("%s of 65 %s", brackets, p.name), deep(metric.MaxDepth-outer+33)),
				broken(rule, fmt.Sprintf("%s of 300 %s", brackets, p.name), deep(300)),
			)
		}
	}
	array := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	cases = append(cases,
		accepted(rule, "many of 32 beside each other", `{"x":[`+strings.Repeat(array(30)+",", 50)+`0],"metrics":[`+plain+`]}`, plainLine),
		broken(rule, "many, the last too deep", `{"x":[`+strings.Repeat(array(30)+",", 50)+array(31)+`],"metrics":[`+plain+`]}`),
		accepted(rule, "brackets in strings do not count", `{"x":"`+strings.Repeat("[{", 50)+`\"`+strings.Repeat("[", 50)+`","metrics":[`+plain+`]}`, plainLine),
		invalid(rule, "array document", array(32), "", Fault{metric.Envelope, "", metric.CodeType}),
		broken(rule, "array document too deep", array(33)),
		invalid(rule, "metrics", `{"metrics":`+nested(31, 1)+`}`, "", Fault{metric.Envelope, "metrics", metric.CodeType}),
		broken(rule, "metrics too deep", `{"metrics":`+nested(32, 1)+`}`),
		invalid(rule, "metrics in metrics", `{"metrics":`+array(31)+`}`, "", Fault{0, "", metric.CodeType}),
		broken(rule, "metrics in metrics too deep", `{"metrics":`+array(32)+`}`),
		invalid(rule, "a tag's value", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{"a":`+array(28)+`}}]}`, "", Fault{0, "tags", metric.CodeType}),
		broken(rule, "a tag's value too deep", `{"metrics":[{"name":"m","value":1,"type":"gauge","tags":{"a":`+array(29)+`}}]}`),
	)
	for _, field := range []string{"name", "value", "type", "timestamp", "tags"} {
		body := func(n int) string {
			return `{"metrics":[` + plain + `,{"` + field + `":` + array(n) + `}]}`
		}
		var faults []Fault
		for _, required := range []string{"name", "value", "type"} {
			if required == field {
				faults = append(faults, Fault{1, field, metric.CodeType})
			} else {
				faults = append(faults, Fault{1, required, metric.CodeRequired})
			}
		}
		if field[0] == 't' && field != "type" {
			faults = append(faults, Fault{1, field, metric.CodeType})
		}
		cases = append(cases, invalid(rule, field, body(29), plainLine, faults...), broken(rule, field+" too deep", body(30)))
	}
	return cases
}

// nesting returns how many brackets of prefix are open.
func nesting(prefix string) int {
	return strings.Count(prefix, "{") + strings.Count(prefix, "[") - strings.Count(prefix, "}") - strings.Count(prefix, "]")
}

// nested returns a value of depth n: arrays, objects, or both by turns.
func nested(n, kind int) string {
	var before, after string
	for i := range n {
		if kind == 0 || kind == 2 && i%2 == 0 {
			before, after = before+"[", "]"+after
		} else {
			inner := `{"a":`
			if i == n-1 {
				inner = `{`
			}
			before, after = before+inner, "}"+after
		}
	}
	return before + after
}

// orderCases holds which class of error is told when a body deserves several: grammar, then the number of metrics,
// then the fields.
func orderCases() []Case {
	const rule = "grammar comes before the number of metrics, and that before the fields"
	many := func(element string, n int) string { return strings.Repeat(element+",", n-1) + element }
	tooMany := `{"metrics":[` + many(`{}`, metric.MaxMetrics+1)
	cases := []Case{
		{Rule: rule, Name: "number before fields", Body: []byte(tooMany + `]}`), Want: Limit},
		{Rule: rule, Name: "number of elements that are no metrics", Body: []byte(`{"metrics":[` + many(`0`, metric.MaxMetrics+1) + `]}`), Want: Limit},
		{Rule: rule, Name: "number of valid metrics", Body: []byte(`{"metrics":[` + many(plain, metric.MaxMetrics+1) + `]}`), Want: Limit},
		broken(rule, "grammar after the 10,001st metric", tooMany+`,]}`),
		broken(rule, "grammar in the 10,002nd metric", tooMany+`,{"name":"\x"}]}`),
		broken(rule, "repeated name in the 10,002nd metric", tooMany+`,{"a":0,"a":1}]}`),
		broken(rule, "repeated name after too many metrics", tooMany+`],"x":0,"x":1}`),
		broken(rule, "repeated tag in the 10,002nd metric", tooMany+`,{"tags":{"a":"","a":""}}]}`),
		broken(rule, "grammar after too many metrics", tooMany+`],"x":01}`),
		broken(rule, "too many metrics, not closed", tooMany),
		broken(rule, "trailing text after too many metrics", tooMany+`]}}`),
	}
	for _, wrong := range []string{`{}`, `0`, `null`, `{"name":"","value":1,"type":"gauge"}`, `{"name":"m","value":1e999,"type":"gauge"}`, `{"name":"m","value":-1,"type":"counter"}`, `{"name":"m","value":1,"type":"x"}`, `{"name":"m","value":1,"type":"gauge","timestamp":"x"}`, `{"name":"m","value":1,"type":"gauge","tags":{"a":1}}`, `{"name":{"a":1,"a":2}}`, `{"tags":{` + tags(33) + `}}`} {
		for _, tail := range []string{`,]}`, `,`, `]`, `],}`, `]}]`, `],"x":00}`, `],"x":"\ud800"}`, `],"x":"` + "\xff" + `"}`, `],"x":0,"x":0}`, `,{"name":"m","name":"m"}]}`, `],"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`} {
			cases = append(cases, broken(rule, wrong+" then "+tail, `{"metrics":[`+wrong+tail))
		}
	}
	for _, head := range []string{`{"metrics":0,`, `{"metrics":[],`, `{"metrics":null,`, `{"y":0,`, `{"metrics":{"a":0,"a":0},`} {
		for _, tail := range []string{`}`, `"x":}`, `"x":0,"x":0}`, `"x":01}`, `"x":0`, `"x":0}}`} {
			cases = append(cases, broken(rule, head+" then "+tail, head+tail))
		}
	}
	return cases
}
