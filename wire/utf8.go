package wire

// UTF8 checks text that arrives in pieces, cut anywhere, for being UTF-8 as
// RFC 3629 defines it (RFC 6455 §8.1 asks it of text messages and close
// reasons). It fails at the first byte that cannot become part of a valid
// text, without waiting for the rest of a sequence: an overlong form, half of
// a surrogate pair and a code point above U+10FFFF are refused at the second
// byte.
//
// The zero value is ready for the first byte of a text. A UTF8 must not be
// used by several goroutines at once.
type UTF8 struct {
	more   uint8 // continuation bytes the pending sequence still needs
	lo, hi uint8 // what the next of them may be
	failed bool
}

// Valid takes the next bytes of the text and reports whether all bytes so far
// can begin a valid one. Once false, it is false until [UTF8.Reset].
func (u *UTF8) Valid(p []byte) bool {
	for u.more > 0 && len(p) > 0 {
		u.step(p[0])
		p = p[1:]
	}
	if u.failed {
		return false
	}
	whole := wholeUTF8(p)
	if !validUTF8(p[:whole]) {
		u.fail()
		return false
	}
	for _, b := range p[whole:] {
		u.step(b)
	}
	return !u.failed
}

// Complete reports whether the bytes so far are a valid text as they stand:
// none of them was refused, and the last does not leave a sequence unfinished.
func (u *UTF8) Complete() bool {
	return u.more == 0 && !u.failed
}

// Reset makes u ready for the first byte of another text.
func (u *UTF8) Reset() {
	*u = UTF8{}
}

// step takes one byte.
func (u *UTF8) step(b byte) {
	switch {
	case u.failed:
	case u.more > 0:
		if b < u.lo || b > u.hi {
			u.fail()
			return
		}
		u.more--
		u.lo, u.hi = 0x80, 0xBF
	case b >= 0x80:
		u.more, u.lo, u.hi = leadUTF8(b)
		if u.more == 0 {
			u.fail()
		}
	}
}

func (u *UTF8) fail() {
	*u = UTF8{failed: true}
}

// ValidUTF8 reports whether p, the whole of a text, is valid UTF-8.
func ValidUTF8(p []byte) bool {
	return validUTF8(p)
}

// leadUTF8 returns how many continuation bytes follow the lead byte b, and the
// range of the first of them; the rest are 80..BF (RFC 3629 §4). The count is
// 0 if b leads no sequence.
func leadUTF8(b byte) (more, lo, hi uint8) {
	switch {
	case b < 0xC2: // a continuation byte, or the lead of an overlong form
		return 0, 0, 0
	case b < 0xE0:
		return 1, 0x80, 0xBF
	case b == 0xE0: // below A0: overlong
		return 2, 0xA0, 0xBF
	case b == 0xED: // above 9F: surrogates
		return 2, 0x80, 0x9F
	case b < 0xF0:
		return 2, 0x80, 0xBF
	case b == 0xF0: // below 90: overlong
		return 3, 0x90, 0xBF
	case b < 0xF4:
		return 3, 0x80, 0xBF
	case b == 0xF4: // above 8F: beyond U+10FFFF
		return 3, 0x80, 0x8F
	default:
		return 0, 0, 0
	}
}

// wholeUTF8 returns the length of p without the sequence that its end cuts
// short, if there is one.
func wholeUTF8(p []byte) int {
	n := len(p)
	for back := 1; back <= 3 && back <= n; back++ {
		b := p[n-back]
		if b < 0x80 {
			break
		}
		if b >= 0xC0 {
			if more, _, _ := leadUTF8(b); int(more) >= back {
				return n - back
			}
			break
		}
	}
	return n
}
