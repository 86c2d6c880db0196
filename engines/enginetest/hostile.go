package enginetest

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

const (
	hostileSize  = 1 << 20 / shrink
	hostileNames = 100_000 / shrink
	hostileTime  = 5 * time.Second // far above what an honest decoder needs, far below what a quadratic one does
)

// checkHostile holds that bodies of a hostileSize that are made to hurt get the right answer, in bounded time
// and memory, and that the decoder works afterwards.
func checkHostile(t require.TestingT, o *Observer, maxAlloc uint64) {
	reports := 0
	report := func(format string, args ...any) {
		t.Errorf(format, args...)
		if reports++; reports == maxReports {
			t.FailNow()
		}
	}
	hostileCases(func(c Case) {
		o.memory = append(o.memory[:0], c.Body...) // the observer's own memory does not count
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		err := o.Check(&c)
		spent := time.Since(start)
		runtime.ReadMemStats(&after)
		if err == nil {
			err = wantsPlain(o)
		}
		if err != nil {
			report("%v", err)
		}
		if spent > hostileTime {
			report("%s: took %v; want at most %v", c.Name, spent, hostileTime)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > maxAlloc {
			report("%s: allocated %d MiB; want at most %d", c.Name, n>>20, maxAlloc>>20)
		}
	})
}

// wantsPlain is the smallest check that a decoder still works.
func wantsPlain(o *Observer) error {
	c := accepted("a decoder survives any body", "plain metric after a hostile body", one, plainLine)
	return o.Check(&c)
}

// hostileCases tries bodies of about a mebibyte, one at a time: together they would fill the memory.
func hostileCases(try func(Case)) {
	const rule = "any body is answered in bounded time and memory"
	fill := func(unit string) string { return strings.Repeat(unit, hostileSize/len(unit)) }
	value := func(number string) string { return strings.Replace(one, `:1,`, `:`+number+`,`, 1) }
	ignore := func(value string) string { return `{"x":` + value + `,"metrics":[` + plain + `]}` }
	inMetric := func(member string) string { return strings.Replace(one, `{"name"`, `{`+member+`,"name"`, 1) }
	inTags := func(tags string) string { return inMetric(`"tags":{` + tags + `}`) }
	timeOf := func(timestamp string) string { return inMetric(`"timestamp":` + timestamp) }
	members := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	ok := func(name, body string) { try(accepted(rule, name, body, plainLine)) }
	bad := func(name, body string) { try(broken(rule, name, body)) }
	wrong := func(name, body, field string, code metric.Code) {
		try(invalid(rule, name, body, "", Fault{0, field, code}))
	}
	limit := func(name, body string) { try(Case{Rule: rule, Name: name, Body: []byte(body), Want: Limit}) }
	shuffled := func(n int, format string) string { // in an order that no insertion into a sorted list likes
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i*7919%n)
			b.WriteByte(',')
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	reversed := func(n int, format string) string {
		all := strings.Split(members(n, format), ",")
		slices.Reverse(all)
		return strings.Join(all, ",")
	}
	rejects := invalid(rule, "10,000 metrics of nothing", `{"metrics":[`+strings.TrimSuffix(strings.Repeat("{},", metric.MaxMetrics), ",")+`]}`, "")
	for i := range metric.MaxFieldErrors {
		rejects.Faults = append(rejects.Faults, Fault{i / 3, []string{"name", "value", "type"}[i%3], metric.CodeRequired})
	}
	rejects.Rejected = metric.MaxMetrics
	shallow := strings.Repeat("[", 30) + strings.Repeat("]", 30)
	bad("arrays in arrays", fill(`[`))
	bad("objects in objects", fill(`{"a":`))
	bad("both by turns", fill(`[{"metrics":`))
	bad("metrics in metrics", fill(`{"metrics":[`))
	bad("tags in tags", `{"metrics":[`+fill(`{"tags":`))
	bad("ignored arrays in arrays", `{"metrics":[`+plain+`],"x":`+fill(`[`))
	bad("ignored objects in objects, closed", ignore(strings.Repeat(`{"a":`, hostileSize/6)+`0`+strings.Repeat(`}`, hostileSize/6)))
	bad("arrays in arrays, closed", strings.Repeat("[", hostileSize/2)+strings.Repeat("]", hostileSize/2))
	bad("closing brackets", fill(`]`))
	bad("closing braces", `{`+fill(`}`))
	bad("quotes", fill(`"`))
	bad("quotes in an object", `{`+fill(`"`))
	bad("commas", `{"x":[`+fill(`,`))
	bad("colons", `{"x"`+fill(`:`))
	bad("minus signs", `{"x":`+fill(`-`))
	bad("backslashes", `{"x":`+fill(`\`))
	bad("zeros", ignore(fill(`0`)))
	bad("NULs", fill("\x00"))
	bad("spaces", fill(` `))
	bad("spaces in an object", `{`+fill(` `))
	bad("lines", fill("\n\t\r "))
	ok("spaces before", fill(` `)+one)
	ok("spaces after", one+fill("\n"))
	ok("spaces inside", strings.ReplaceAll(one, ":", ":"+fill(` `)[:hostileSize/4]))
	bad("a letter after spaces", one+fill(` `)+`x`)
	ok("ignored digits", ignore(fill(`1`)))
	ok("ignored fraction", ignore(`0.`+fill(`1`)))
	ok("ignored exponent", ignore(`1e`+fill(`9`)))
	bad("digits without an end", `{"x":`+fill(`1`))
	bad("digits and a letter", ignore(fill(`1`)+`a`))
	wrong("value of digits", value(fill(`7`)), "value", metric.CodeRange)
	wrong("negative value of digits", value(`-`+fill(`7`)), "value", metric.CodeRange)
	wrong("value of a large exponent", value(`1e`+fill(`9`)), "value", metric.CodeRange)
	ok("value with a long fraction", value(`1.`+fill(`0`)))
	ok("value with a long fraction and an exponent", value(`1.`+fill(`0`)+`1e-0`))
	ok("value with a long exponent", value(`1e`+fill(`0`)))
	// strconv, by which numbers are defined here, cuts exponents of five digits and more, even where digits make up for them.
	zeros := `1` + fill(`0`) + `e-` + fmt.Sprint(hostileSize)
	number, _ := strconv.ParseFloat(zeros, 64)
	try(accepted(rule, "value of many zeros", value(zeros), strings.Replace(plainLine, `:1,`, fmt.Sprintf(`:%v,`, number), 1)))
	wrong("timestamp of digits", timeOf(fill(`1`)), "timestamp", metric.CodeRange)
	wrong("timestamp of digits in a string", timeOf(`"`+fill(`1`)+`"`), "timestamp", metric.CodePattern)
	wrong("timestamp with a long fraction", timeOf(`"2025-09-17T13:45:23.`+fill(`1`)+`Z"`), "timestamp", metric.CodePattern)
	wrong("timestamp with an exponent", timeOf(`1e`+fill(`0`)), "timestamp", metric.CodePattern)
	ok("ignored escapes", ignore(`"`+fill(`\u0041`)+`"`))
	ok("ignored backslashes", ignore(`"`+fill(`\\`)+`"`))
	ok("ignored pairs", ignore(`"`+fill(`\ud83d\ude00`)+`"`))
	ok("ignored letters", ignore(`"`+fill(`a`)+`"`))
	ok("ignored UTF-8", ignore(`"`+fill(`é😀`)+`"`))
	ok("escapes in a member's name", inMetric(`"`+fill(`\u0041`)+`":0`))
	ok("letters in a member's name", inMetric(`"`+fill(`a`)+`":0`))
	ok("escaped name in the envelope", `{"`+fill(`\\`)+`":0,"metrics":[`+plain+`]}`)
	bad("escapes without an end", `{"x":"`+fill(`\u0041`))
	bad("backslashes without an end", `{"x":"`+fill(`\\`))
	bad("letters without an end", `{"x":"`+fill(`a`))
	bad("escapes in a row, the last bad", ignore(`"`+fill(`\u0041`)+`\x"`))
	bad("high surrogates", ignore(`"`+fill(`\ud800`)+`"`))
	bad("bad UTF-8", ignore(`"`+fill("\x80")+`"`))
	bad("letters, then bad UTF-8", ignore(`"`+fill("a")+"\xff"+`"`))
	wrong("name of escapes", strings.Replace(one, `"m"`, `"`+fill(`\u0041`)+`"`, 1), "name", metric.CodeLength)
	wrong("name of letters", strings.Replace(one, `"m"`, `"`+fill(`a`)+`"`, 1), "name", metric.CodeLength)
	wrong("type of letters", strings.Replace(one, `gauge`, fill(`gauge`), 1), "type", metric.CodePattern)
	wrong("type of backslashes", strings.Replace(one, `gauge`, fill(`\\`), 1), "type", metric.CodePattern)
	wrong("tag of escapes", inTags(`"k":"`+fill(`\u0041`)+`"`), "tags", metric.CodeLength)
	wrong("tag of quotes", inTags(`"k":"`+fill(`\"`)+`"`), "tags", metric.CodeLength)
	wrong("key of letters", inTags(`"`+fill(`k`)+`":""`), "tags", metric.CodeLength)
	wrong("key of escapes", inTags(`"`+fill(`\u006b`)+`":""`), "tags", metric.CodeLength)
	limit("empty metrics", `{"metrics":[`+fill(`{},`)+`{}]}`)
	limit("arrays for metrics", `{"metrics":[`+fill(`[],`)+`0]}`)
	limit("zeros for metrics", `{"metrics":[`+fill(`0,`)+`0]}`)
	bad("empty metrics without an end", `{"metrics":[`+fill(`{},`))
	bad("too many, then a bad one", `{"metrics":[`+fill(`{},`)+`{]}`)
	limit("too many metrics", `{"metrics":[`+strings.Repeat(plain+`,`, 2*metric.MaxMetrics)+plain+`]}`)
	try(rejects)
	ok("ignored empty objects", ignore(`[`+fill(`{},`)+`0]`))
	ok("ignored empty arrays", ignore(`[`+fill(`[],`)+`0]`))
	ok("ignored zeros", ignore(`[`+fill(`0,`)+`0]`))
	ok("ignored literals", ignore(`[`+fill(`null,true,false,`)+`0]`))
	ok("ignored arrays at full depth", ignore(`[`+fill(shallow+`,`)+`0]`))
	ok("many names in the envelope", `{`+members(hostileNames, `"a%d":0`)+`,"metrics":[`+plain+`]}`)
	ok("many names in a metric", inMetric(members(hostileNames, `"a%d":0`)))
	ok("many names in a metric, in disorder", inMetric(shuffled(hostileNames, `"a%d":0`)))
	ok("many escaped names in a metric", inMetric(members(hostileNames*3/5, `"\u0061%d":0`)))
	ok("many names in an ignored object", ignore(`{`+members(hostileNames, `"a%d":0`)+`}`))
	ok("the same name very often in an ignored object", ignore(`{`+fill(`"a":0,`)+`"a":0}`))
	bad("many names in a metric, the first again", inMetric(members(hostileNames, `"a%d":0`)+`,"a0":0`))
	bad("many names in a metric, the last again", inMetric(members(hostileNames, `"a%d":0`)+fmt.Sprintf(`,"a%d":0`, hostileNames-1)))
	bad("many names in the envelope, one again", `{`+members(hostileNames, `"a%d":0`)+`,"\u0061777":0,"metrics":[`+plain+`]}`)
	bad("the same name very often in a metric", inMetric(fill(`"a":0,`)+`"a":0`))
	ok("1,000 long names that differ at the end", inMetric(members(1000, `"`+strings.Repeat("a", 1000)+`%03d":0`)))
	ok("1,000 long names that differ at the start", inMetric(members(1000, `"%03d`+strings.Repeat("a", 1000)+`":0`)))
	wrong("many tags", inTags(members(hostileNames, `"a%d":""`)), "tags", metric.CodeCount)
	wrong("many tags in disorder", inTags(shuffled(hostileNames, `"a%d":""`)), "tags", metric.CodeCount)
	wrong("many tags from the last", inTags(reversed(hostileNames, `"a%06d":""`)), "tags", metric.CodeCount)
	bad("many tags, the first again", inTags(members(hostileNames, `"a%d":""`)+`,"a0":""`))
	bad("the same tag very often", inTags(fill(`"a":"",`)+`"a":""`))
	ok("names that differ by case", inMetric(members(hostileNames/3, `"TAGS%d":0,"Name%[1]d":0,"x%[1]d":0`)))
	ok("names that fold to known ones", inMetric(`"NAME":0,"Name":0,"nAme":0,"TAGS":[],"Tag\u0073x":0`+`,"y":"`+fill(`y`)+`"`))
}
