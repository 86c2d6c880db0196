package enginetest

import (
	"unicode/utf8"
)

// stringText is what stands between the quotes of a string.
type stringText struct {
	rule, raw string
	good      bool
	decoded   string // when good
}

// stringTexts returns the table of strings.
func stringTexts() []stringText {
	var all []stringText
	good := func(rule string, pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, stringText{rule, pairs[i], true, pairs[i+1]})
		}
	}
	bad := func(rule string, raws ...string) {
		for _, raw := range raws {
			all = append(all, stringText{rule: rule, raw: raw})
		}
	}

	const escapes = `escapes are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits`
	good(escapes, ``, ``, `a`, `a`, ` `, ` `, `'`, `'`, `/`, `/`, `\"`, `"`, `\\`, `\`, `\/`, `/`, `\b`, "\b", `\f`, "\f", `\n`, "\n", `\r`, "\r", `\t`, "\t",
		`\u0000`, "\x00", `\u0001`, "\x01", `\u001f`, "\x1f", `\u001F`, "\x1f", `\u0020`, " ", `\u0022`, `"`, `\u005c`, `\`, `\u005C`, `\`, `\u0061`, "a", `\u007f`, "\x7f",
		`\u0080`, "\u0080", `\u00e9`, "é", `\u00E9`, "é", `\u07ff`, "\u07ff", `\u0800`, "\u0800", `\ud7ff`, "\ud7ff", `\ue000`, "\ue000", `\uE000`, "\ue000", `\ufdd0`, "\ufdd0", `\ufeff`, "\ufeff",
		`\ufffd`, "\ufffd", `\ufffe`, "\ufffe", `\uffff`, "\uffff", `\uFFFF`, "\uffff", `\u2028\u2029`, "\u2028\u2029", `\u1234\u5678\u9abc`, "\u1234\u5678\u9abc",
		`\\u0041`, `\u0041`, `\\\"`, `\"`, `\\\\`, `\\`, `\\n`, `\n`, `\\\n`, "\\\n", `\u005cn`, `\n`, `\u005c\u0022`, `\"`, `\u0022\u002c`, `",`, `a\tb\nc\\d\/e\"f`, "a\tb\nc\\d/e\"f",
		`\"\\\/\b\f\n\r\t\u0041`, "\"\\/\b\f\n\r\tA", `\u00410`, "A0", `\u0041\u0042`, "AB", `\u0041B\u0043`, "ABC")
	for c := range 256 {
		switch c {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't', 'u':
		default:
			bad(escapes, `\`+string([]byte{byte(c)}))
		}
	}
	bad(escapes, `\`, `\\\`, `\u`, `\u0`, `\u00`, `\u004`, `a\u004`, `\u 041`, `\u-041`, `\u+041`, `\u0x41`, `\u{41}`, `\u\u0041`, `\u004\u0041`, `\U0041`, `\U00000041`, `\x41`, `\101`, `\N`, `\B`, `\F`, `\R`, `\T`, `\a\n`, `\'`, `\ n`, "\\\n", "\\u00\x00\x00", "\\u\xff\xff\xff\xff", `\u００４１`)
	for i := range 4 {
		for _, c := range []byte("gGzZ/:@`. -_x\\\"\x00\x10\x1f\x7f\x80\xc3\xff") {
			raw := []byte(`\u0041`)
			raw[2+i] = c
			bad(escapes, string(raw))
		}
	}

	const surrogates = `a surrogate stands in a pair, the high one first`
	good(surrogates, `\ud800\udc00`, "\U00010000", `\uD800\uDC00`, "\U00010000", `\ud83d\ude00`, "😀", `\uD83D\uDE00`, "😀", `\ud83D\uDe00`, "😀", `\udbff\udfff`, "\U0010ffff", `\ud800\udfff`, "\U000103ff", `\udbff\udc00`, "\U0010fc00",
		`\ud83d\ude00\ud83d\ude01`, "😀😁", `a\ud83d\ude00b`, "a😀b", `\\ud800`, `\ud800`, `\ud834\udd1e`, "𝄞", `\uDBFF\uDFFE`, "\U0010fffe")
	bad(surrogates, `\ud800`, `\uD800`, `\udbff`, `\udc00`, `\uDC00`, `\udfff`, `\udead`, `a\ud800`, `\ud800a`, `\ud800abcdef`, `\udc00\ud800`, `\ude00\ud83d`, `\ud800\ud800`, `\udc00\udc00`, `\ud800\ud800\udc00`, `\ud800\udc00\udc00`, `\ud800\udc00\ud800`,
		`\ud800\u0041`, `\ud800\ue000`, `\ud800\udbff`, `\ud800\ud7ff`, `\ud800\n`, `\ud800\\udc00`, `\ud800\\`, `\ud800\"`, `\ud800 \udc00`, `\ud800udc00`, `\ud800/udc00`, `\ud800\u`, `\ud800\udc0`, `\ud800\udc0g`, `\ud800\x00`, `\ud800\Udc00`, "\\ud800\xed\xb0\x80", "\xed\xa0\x80\\udc00", `\ud800é`, `\u0041\udc00`)

	for c := range 0x20 {
		s := string([]byte{byte(c)})
		bad("a control character must be escaped", s, "a"+s, s+"a", `\n`+s, "é"+s)
	}

	const utf8Rule = "a string is valid UTF-8"
	valid := []string{"\x7f", "\u0080", "é", "\u07ff", "\u0800", "\u2028", "\ud7ff", "\ue000", "\ufdd0", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\U00010000", "😀", "\U0010fffe", "\U0010ffff", "aé漢😀z", "日本語", "e\u0301", "é\\n"}
	for _, s := range valid[:len(valid)-1] {
		good(utf8Rule, s, s)
	}
	good(utf8Rule, valid[len(valid)-1], "é\n")
	for _, s := range invalidUTF8() {
		bad(utf8Rule, s)
	}
	return all
}

// invalidUTF8 returns every byte that cannot stand alone, every valid sequence at the borders of the encoding
// without its end, and sequences with one byte at the borders of what may stand there and just beyond.
func invalidUTF8() []string {
	seen := map[string]bool{}
	var all []string
	add := func(s string) {
		if !utf8.ValidString(s) && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	for c := 0x80; c <= 0xff; c++ {
		add(string([]byte{byte(c)}))
		add("a" + string([]byte{byte(c)}) + "b")
	}
	for _, r := range []rune{0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff} {
		s := string(r)
		for n := 1; n < len(s); n++ {
			add(s[:n])
			add(s[:n] + "é")
			add(s[n:])
			for _, c := range []byte{0x20, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xf0, 0xff} {
				add(s[:n] + string([]byte{c}) + s[n+1:])
			}
		}
		add(s + "\x80")
	}
	for _, s := range []string{
		"\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", // overlong
		"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", // surrogates
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfb\xbf\xbf\xbf\xbf", "\xfc\x84\x80\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xfe\xff", "\xff\xfe", // beyond U+10FFFF
		"\xe9", "caf\xe9", "\xa4\xa2", "\xef\xbb", "\x80\xc3\xa9", "é\xc3", "\xc3\xc3\xa9", "日本\xe8\xaa", "\xf0\x9f\x98😀",
	} {
		add(s)
	}
	return all
}
