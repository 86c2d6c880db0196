package engines

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metricstream/pkg/metric"
)

// TestQuirks pins why each library is not used bare: what it makes of a body (stored, empty when it refuses it),
// and what the contract demands (contract, or the class of the refusal).
// When a new version of a library fails here, a check around it may have become needless.
func TestQuirks(t *testing.T) {
	const lax = "1, as if nothing were wrong"
	tagged := func(literal string) string {
		return one(`"name":"n","value":1,"type":"gauge","tags":{"k":` + literal + `}`)
	}
	skipped := func(literal string) string { return one(`"name":"n","value":1,"type":"gauge","x":` + literal) }
	lone := tagged(`"\ud800"`)
	invalidUTF8 := tagged("\"\xff\"")
	replaced := line(`1`, `,"tags":{"k":"`+"\uFFFD"+`"}`)
	otherCase := one(`"Name":"n","value":1,"type":"gauge"`)
	repeatedTag := tagged(`"1","k":"2"`)
	repeatedName := one(`"name":"m","name":"n","value":1,"type":"gauge"`)
	repeatedTags := one(`"name":"n","value":1,"type":"gauge","tags":{"k":"1"},"tags":{"l":"2"}`)
	deep := skipped(strings.Repeat("[", 100) + strings.Repeat("]", 100))

	for _, c := range []struct {
		engine, quirk string
		amd64         bool // only there: sonic's decoder for arm64 is another one
		body          string
		stored        string
		contract      string
		class         error
	}{
		{engine: "fastjson", quirk: "is one ulp off", body: one(`"name":"n","value":8.41e21,"type":"gauge"`),
			stored: line(`8.410000000000001e+21`, ``), contract: line(`8.41e+21`, ``)},
		{engine: "fastjson", quirk: "takes leading zeros", body: one(`"name":"n","value":01,"type":"gauge"`), stored: lax, class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "takes NaN", body: skipped(`nan`), stored: lax, class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "keeps unknown escapes", body: tagged(`"\q"`), stored: line(`1`, `,"tags":{"k":"\\q"}`), class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "keeps lone surrogates", body: lone, stored: line(`1`, `,"tags":{"k":"\\ud800"}`), class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "takes control characters", body: tagged("\"\x01\""), stored: line(`1`, `,"tags":{"k":"\u0001"}`), class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "takes invalid UTF-8", body: invalidUTF8, stored: line(`1`, `,"tags":{"k":"`+"\xff"+`"}`), class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "keeps repeated names", body: repeatedName, stored: lax, class: metric.ErrSyntax},
		{engine: "fastjson", quirk: "nests to 300", body: deep, stored: lax, class: metric.ErrSyntax},

		{engine: "sonic", quirk: "takes what it skips for valid", amd64: true, body: skipped(`[1 2 {]`), stored: lax, class: metric.ErrSyntax},
		{engine: "sonic", quirk: "takes unknown escapes that it skips", amd64: true, body: skipped(`"\q"`), stored: lax, class: metric.ErrSyntax},
		{engine: "sonic", quirk: "takes control characters", body: tagged("\"\x01\""), stored: line(`1`, `,"tags":{"k":"\u0001"}`), class: metric.ErrSyntax},
		{engine: "sonic", quirk: "takes invalid UTF-8", body: invalidUTF8, stored: line(`1`, `,"tags":{"k":"`+"\xff"+`"}`), class: metric.ErrSyntax},
		{engine: "sonic", quirk: "replaces lone surrogates", body: lone, stored: replaced, class: metric.ErrSyntax},
		{engine: "sonic", quirk: "folds the case of names", body: otherCase, stored: lax, class: metric.ErrSchema},
		{engine: "sonic", quirk: "lets the last of repeated names win", body: repeatedTag, stored: line(`1`, `,"tags":{"k":"2"}`), class: metric.ErrSyntax},
		{engine: "sonic", quirk: "merges repeated members", body: repeatedTags, stored: line(`1`, `,"tags":{"k":"1","l":"2"}`), class: metric.ErrSyntax},
		{engine: "sonic", quirk: "nests beyond 32", body: deep, stored: lax, class: metric.ErrSyntax},

		{engine: "go-json", quirk: "replaces invalid UTF-8", body: invalidUTF8, stored: replaced, class: metric.ErrSyntax},
		{engine: "go-json", quirk: "replaces lone surrogates", body: lone, stored: replaced, class: metric.ErrSyntax},
		{engine: "go-json", quirk: "folds the case of names", body: otherCase, stored: lax, class: metric.ErrSchema},
		{engine: "go-json", quirk: "lets the last of repeated names win", body: repeatedName, stored: lax, class: metric.ErrSyntax},
		{engine: "go-json", quirk: "merges repeated members", body: repeatedTags, stored: line(`1`, `,"tags":{"k":"1","l":"2"}`), class: metric.ErrSyntax},
		{engine: "go-json", quirk: "nests beyond 32", body: deep, stored: lax, class: metric.ErrSyntax},

		{engine: "std", quirk: "replaces invalid UTF-8", body: invalidUTF8, stored: replaced, class: metric.ErrSyntax},
		{engine: "std", quirk: "replaces lone surrogates", body: lone, stored: replaced, class: metric.ErrSyntax},
		{engine: "std", quirk: "folds the case of names", body: otherCase, stored: lax, class: metric.ErrSchema},
		{engine: "std", quirk: "folds names beyond ASCII", body: one(`"name":"n","value":1,"type":"gauge","timeſtamp":0`),
			stored: strings.Replace(line(`1`, ``), "2001-09-09T01:46:40", "1970-01-01T00:00:00", 1), contract: line(`1`, ``)},
		{engine: "std", quirk: "lets the last of repeated names win", body: repeatedName, stored: lax, class: metric.ErrSyntax},
		{engine: "std", quirk: "merges repeated members", body: repeatedTags, stored: line(`1`, `,"tags":{"k":"1","l":"2"}`), class: metric.ErrSyntax},
		{engine: "std", quirk: "nests beyond 32", body: deep, stored: lax, class: metric.ErrSyntax},

		{engine: "json-v2", quirk: "nests beyond 32", body: deep, stored: lax, class: metric.ErrSyntax},
		{engine: "json-v2", quirk: "looks at names in ignored values", body: skipped(`{"a":1,"a":2}`), contract: line(`1`, ``)},
	} {
		t.Run(c.engine+" "+c.quirk, func(t *testing.T) {
			if c.amd64 && runtime.GOARCH != "amd64" {
				t.Skip("not in this build")
			}
			e, err := Lookup(c.engine)
			require.NoError(t, err)
			dst := new(metric.Batch)

			err = e.Bare().Decode(dst, []byte(c.body))
			switch c.stored {
			case "":
				require.Error(t, err, "the bare library no longer has this quirk")
			case lax:
				require.NoError(t, err, "the bare library no longer has this quirk")
				require.Equal(t, line(`1`, ``), linesOf(dst))
			default:
				require.NoError(t, err, "the bare library no longer has this quirk")
				require.Equal(t, c.stored, linesOf(dst), "the bare library no longer has this quirk")
			}

			err = e.New().Decode(dst, []byte(c.body))
			if c.class != nil {
				require.ErrorIs(t, err, c.class)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.contract, linesOf(dst))
		})
	}
}
