package clientaddr

import (
	"iter"
	"slices"
	"strings"
)

// forwardedHops returns the hops of Forwarded, the last one first. A line is read from its beginning, as quotes want,
// and not read at all if those after it are enough.
func forwardedHops(lines []string) iter.Seq[hop] {
	return func(yield func(hop) bool) {
		for _, line := range slices.Backward(lines) {
			hops, err := parseForwarded(line)
			if err != nil {
				yield(hop{err: err})
				return
			}
			for _, h := range slices.Backward(hops) {
				if !yield(h) {
					return
				}
			}
		}
	}
}

// parseForwarded reads one line of Forwarded (RFC 7239 §4). Beyond the grammar it takes addresses with colons and
// brackets that are not quoted.
func parseForwarded(line string) ([]hop, error) {
	var hops []hop
	s := scanner{rest: line}
	for {
		h, empty, err := s.element()
		if err != nil {
			return nil, err
		}
		if !empty {
			hops = append(hops, h)
		}
		if s.rest == "" {
			return hops, nil
		}
		s.rest = s.rest[1:] // the comma
	}
}

// scanner reads a line of Forwarded.
type scanner struct{ rest string }

// element reads up to a comma or the end.
func (s *scanner) element() (h hop, empty bool, err error) {
	empty, named := true, false
	for {
		s.space()
		if name := s.token(); name != "" {
			empty = false
			value, err := s.value()
			if err != nil {
				return h, false, err
			}
			if strings.EqualFold(name, "for") {
				if named {
					return h, false, &HeaderError{forwarded, "has for= twice in one element"}
				}
				named = true
				h.addr = parseNode(value)
			}
		}
		s.space()
		switch {
		case s.rest == "" || s.rest[0] == ',':
			return h, empty, nil
		case s.rest[0] != ';':
			return h, false, &HeaderError{forwarded, "is malformed"}
		}
		s.rest = s.rest[1:]
		empty = false
	}
}

// value reads "=" and what follows, a token or a quoted string.
func (s *scanner) value() (string, error) {
	rest, ok := strings.CutPrefix(s.rest, "=")
	if !ok {
		return "", &HeaderError{forwarded, "has a parameter without a value"}
	}
	if s.rest = rest; strings.HasPrefix(rest, `"`) {
		return s.quoted()
	}
	value := s.span(func(b byte) bool { return isTokenByte(b) || b == ':' || b == '[' || b == ']' })
	if value == "" {
		return "", &HeaderError{forwarded, "has a parameter without a value"}
	}
	return value, nil
}

// quoted reads a quoted string (RFC 9110 §5.6.4).
func (s *scanner) quoted() (string, error) {
	var value []byte
	for i := 1; i < len(s.rest); i++ {
		switch b := s.rest[i]; b {
		case '"':
			s.rest = s.rest[i+1:]
			return string(value), nil
		case '\\':
			if i++; i < len(s.rest) {
				value = append(value, s.rest[i])
			}
		default:
			value = append(value, b)
		}
	}
	return "", &HeaderError{forwarded, "has a quotation without an end"}
}

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *scanner) token() string { return s.span(isTokenByte) }

// span reads the bytes at the beginning that are of a kind.
func (s *scanner) span(is func(byte) bool) string {
	n := 0
	for n < len(s.rest) && is(s.rest[n]) {
		n++
	}
	span := s.rest[:n]
	s.rest = s.rest[n:]
	return span
}

// isTokenByte reports whether b may be in a token (RFC 9110 §5.6.2).
func isTokenByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
