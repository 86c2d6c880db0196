package enginetest

import (
	"fmt"
	"strings"
)

// fragment is one JSON value, or what is none and cannot become one by what stands around it.
type fragment struct {
	rule, name, text string
	good             bool
	decoded          string // of a good string
}

// fragments returns the table of values: literals, structure, numbers, and strings.
func fragments() []fragment {
	var all []fragment
	add := func(rule string, good bool, texts ...string) {
		for _, text := range texts {
			all = append(all, fragment{rule: rule, name: fmt.Sprintf("%.60q", text), text: text, good: good})
		}
	}
	add("literals are true, false and null", true, `true`, `false`, `null`)
	add("literals are true, false and null", false,
		`True`, `TRUE`, `tRue`, `truE`, `tru`, `t`, `tr`, `trux`, `truee`, `true1`, `truetrue`, `nul`, `n`, `nu`, `nulL`, `Null`, `NULL`, `nulll`, `nil`,
		`fals`, `f`, `False`, `FALSE`, `falsE`, `falsy`, `falsee`, `undefined`, `None`, `yes`, `a`, `tr ue`, "nul\x00", "tru\xe5", "true\x00", `'a'`, `"a`+"`", `/**/1`, `1/**/`, `1//`, `#`)

	add("a number is -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?", true,
		`0`, `-0`, `-0.0`, `0.0`, `0e0`, `0E0`, `0e+0`, `0e-0`, `-0e-0`, `1`, `9`, `-1`, `10`, `12`, `100`, `1234567`, `12345678`, `123456789012345678`,
		`0.1`, `-0.1`, `1.0`, `1.5`, `0.000001`, `123.456`, `1.25e2`, `1e1`, `1E1`, `1e+1`, `1e-1`, `1E+01`, `1e00`, `1e-00`, `1e007`, `-1.5E-3`,
		`0.1234567`, `0.12345678`, `0.123456789012345678`, `12345678.12345678`, `1e22`, `1e23`, `1e308`, `-1e308`, `1e-400`, `1e999`, `-1e999`,
		`9007199254740993`, `18446744073709551615`, `18446744073709551616`, `-9223372036854775808`, `5e-324`, `1`+strings.Repeat("0", 40), `0.`+strings.Repeat("0", 40)+`1`)
	add("a number is -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?", false,
		`+1`, `+0`, `-`, `--1`, `-+1`, `+-1`, `- 1`, `-a`, `-.1`, `-.`, `.1`, `.`, `..1`, `.e1`, `1.`, `-1.`, `0.`, `0.e1`, `1.e1`, `1..2`, `1.2.3`, `1.a`, `1.-1`, `1.+1`, `1. 5`,
		`00`, `01`, `-00`, `-01`, `007`, `000`, `00.1`, `01.5`, `00e1`, `0123456789`, `1e`, `1E`, `1e+`, `1e-`, `1e+-1`, `1ee1`, `1e1e1`, `1e1.5`, `1e.1`, `1e 1`, `1ea`, `0e`, `0.1e`, `0.1e+`,
		`1a`, `1x`, `0x1`, `0X1F`, `0b1`, `0o7`, `1_000`, `1,000.`, `1f`, `1d`, `1L`, `1n`, `0a`, `-0a`, `0-`, `1-`, `1+`, `1-1`, `1+1`, `12:34`, `1/2`,
		`NaN`, `nan`, `-NaN`, `Inf`, `inf`, `Infinity`, `-Infinity`, `-inf`, `+Infinity`, "1\x00", "1\x0b", "1\xef\xbc\x91", "\xef\xbc\x91", "1\xa0", `١`, `1'`, `1"`, `1e1f`, `123456789a`, `1234567e`, `12345678.`, `123456789012345678.`, `1234567890123456e+`)

	add("arrays and objects are closed, their members separated by one comma", true,
		`[]`, `{}`, `[ ]`, `{ }`, `[[]]`, `[{}]`, `{"a":[]}`, `{"a":{}}`, `[1]`, `[1,2]`, `[1 , 2]`, `[[],[],{}]`, `{"a":1}`, `{"a":1,"b":2}`, `{ "a" : 1 , "b" : [ 2 ] }`, `[null,true,false,"a",0]`,
		"[\n1,\r2,\t3 ]", "{\n\"a\"\r:\t1 }", `{"":0}`, `[[[[[[[[[[]]]]]]]]]]`, `{"a":{"b":{"c":{"d":[]}}}}`)
	add("names may repeat inside an ignored value", true,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"name":1,"name":2}]`, `{"tags":{"a":1,"a":2}}`, `{"metrics":[{"name":1,"name":2}],"metrics":0}`, `{"a":{"b":0,"b":0},"a":0}`, `{"":"","":""}`)
	add("arrays and objects are closed, their members separated by one comma", false,
		``, ` `, `[`, `]`, `{`, `}`, `[1`, `[1,`, `[,`, `[,1]`, `[1,]`, `[1,,2]`, `[,]`, `[1 2]`, `[1;2]`, `["a" "b"]`, `["a""b"]`, `[1:2]`, `["a":1]`, `[1}`, `[}`, `[[]`, `[]]`, `[[1]`, `[1]]`, `[][`, `[](`,
		`{]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a" 1}`, `{"a"::1}`, `{"a":1 "b":2}`, `{"a":1"b":2}`, `{"a":1;"b":2}`, `{"a"=1}`, `{"a",1}`, `{"a":1:2}`, `{"a":1,2}`, `{"a":1]`, `{"a":[1}`, `{"a":1`, `{"a":`, `{"a"`, `{"a`, `{"`, `{}}`, `{{}}`, `{[]}`,
		`{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{true:1}`, `{"a":1,b:2}`, `{"a" "b":1}`, `{:1}`, `{"a":1,"b"}`, `{"a":1,"b":}`, `{"a":1}}`, `{"a":1}]`, `1]`, `1}`, `1,`, `,1`, `1 1`, `""""`, `"a" 1`, `[] []`, `{} {}`, `null null`, `(1)`, `<1>`)
	add("white space is space, tab, line feed and carriage return", true, " 1 ", "\t1\t", "\n1\n", "\r1\r", "\r\n\t 1 \t\n\r", "[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n]")
	for _, s := range []string{"\x00", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1c", "\x1f", "\x7f", "\x85", "\xa0", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x83", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe3\x80\x80", "\xef\xbb\xbf", "\xff"} {
		add("white space is space, tab, line feed and carriage return", false, s+"1", "1"+s, "["+s+"]", "{"+s+"}", `{"a"`+s+`:1}`, `{"a":`+s+`1}`, "[1"+s+",2]", "[1,"+s+"2]")
	}

	for _, text := range stringTexts() {
		f := fragment{rule: text.rule, text: `"` + text.raw + `"`, good: text.good, decoded: text.decoded}
		f.name = fmt.Sprintf("%.60q", f.text)
		all = append(all, f)
	}
	add("a string ends with a quote", false, `"`, `"a`, `"\"`, `"\\\"`, `"a\`, `"a\u`, `"a\u004`, `"`+strings.Repeat("a", 64), `"a'`, `'a"`)
	return all
}
