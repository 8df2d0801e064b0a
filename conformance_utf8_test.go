package molva_test

import (
	"fmt"
	"unicode/utf8"

	"github.com/molva-ws/molva/wire"
)

// utf8Cases are texts, valid and not (RFC 6455 §8.1, RFC 3629).
func utf8Cases() []testCase {
	var cases []testCase
	for _, s := range validTexts() {
		message := textFrame(s)
		name := fmt.Sprintf("valid %+q", s)
		cases = append(cases,
			echoed(name, message),
			echoed(name+", a fragment for each byte", message, message.fragments(1)...))
	}
	for _, s := range invalidTexts {
		cases = append(cases, invalidTextCases(s)...)
	}
	cases = append(cases, cutTextCases("κόσμε, мир, 世界, 🌍")...)
	anyBytes := binaryFrame([]byte("\xff\xfe\xc0\x80\xed\xa0\x80"))
	return append(cases,
		echoed("binary may be anything", anyBytes),
		echoed("binary in fragments may be anything", anyBytes, anyBytes.fragments(1)...))
}

// validTexts has text of many kinds, both ends of each length of a character, and all noncharacters.
func validTexts() []string {
	texts := []string{
		"Hello-µ@ßöäüàá-UTF-8!!",
		"κόσμε",
		"Съешь же ещё этих мягких французских булок",
		"日本語テキスト",
		"👩‍👩‍👧‍👦 🏳️‍🌈 é",
		"\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff", "\ufdd0",
	}
	for plane := range rune(17) {
		texts = append(texts, string(plane<<16|0xFFFE), string(plane<<16|0xFFFF))
	}
	return texts
}

// invalidTexts follows Markus Kuhn's stress test for UTF-8 decoders.
var invalidTexts = []string{
	// Bytes that begin no character.
	"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80\xbf\x80\xbf\x80", "\xfe", "\xff", "\xfe\xfe\xff\xff",
	// Beginnings that nothing fits to follows.
	"\xc2 ", "\xdf ", "\xe0 ", "\xef ", "\xf0 ", "\xf4 ", "\xc2\xc2\x80", "\xe1\x80 ", "\xf1\x80\x80 ",
	// Beginnings that do not exist.
	"\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf",
	"\xfd\xbf\xbf\xbf\xbf\xbf",
	// Beyond U+10FFFF.
	"\xf4\x90\x80\x80", "\xf4\xbf\xbf\xbf",
	// Longer than need be.
	"\xc0\xaf", "\xc1\xbf", "\xc0\x80", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xe0\x80\x80", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",
	"\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf",
	// Halves of surrogate pairs, and pairs.
	"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf",
	"\xed\xa0\x80\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
}

// invalidTextCases has s refused however it comes, and within a text as soon as that can no longer become valid.
func invalidTextCases(s string) []testCase {
	name := fmt.Sprintf("invalid % x", s)
	alone := textFrame(s)
	text := "κόσμε" + s + "edited"
	soon := textFrame(text[:firstInvalid(text)+1])
	return []testCase{
		refused(name, wire.InvalidPayload, alone),
		refused(name, wire.InvalidPayload, alone).chunked("a byte at a time", 1),
		refused(name+", a fragment for each byte", wire.InvalidPayload, alone.fragments(1)...),
		refused(name+", before the frame is whole", wire.InvalidPayload, soon.missing(1000)),
		refused(name+", before the frame is whole", wire.InvalidPayload, soon.missing(1000)).chunked("a byte at a time", 1),
		refused(name+", before the last fragment", wire.InvalidPayload, soon.unfinished().fragments(3)...),
	}
}

// firstInvalid returns the index of the byte with which s can no longer become valid.
func firstInvalid(s string) int {
	for i := range len(s) {
		rest := s[:i+1]
		for utf8.FullRuneInString(rest) {
			r, size := utf8.DecodeRuneInString(rest)
			if r == utf8.RuneError && size == 1 {
				return i
			}
			rest = rest[size:]
		}
	}
	panic("valid text, or cut short: " + s)
}

// cutTextCases cuts s at each byte: into two fragments, which is right, and off, which is right only between
// characters.
func cutTextCases(s string) []testCase {
	var cases []testCase
	for i := 1; i < len(s); i++ {
		first, last := textFrame(s[:i]).unfinished(), continuationFrame(s[i:])
		cases = append(cases, echoed(fmt.Sprintf("cut at byte %d into fragments", i), textFrame(s), first, last))

		off := textFrame(s[:i])
		if utf8.ValidString(s[:i]) {
			cases = append(cases, echoed(fmt.Sprintf("cut off at byte %d between characters", i), off))
			continue
		}
		cases = append(cases,
			refused(fmt.Sprintf("cut off at byte %d within a character", i), wire.InvalidPayload, off),
			refused(fmt.Sprintf("cut off at byte %d by an empty fragment", i), wire.InvalidPayload, first, continuationFrame("")))
	}
	return cases
}
