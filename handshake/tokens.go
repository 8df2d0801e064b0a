package handshake

import "strings"

// hasToken reports whether one of the comma-separated lists in lines holds
// token in any case (RFC 9110 §5.6.1, #rule). An empty element is skipped.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for rest, more := line, true; more; {
			var element string
			element, rest, more = strings.Cut(rest, ",")
			if equalFold(trimSpace(element), token) {
				return true
			}
		}
	}
	return false
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// isTokenByte reports whether c is a tchar (RFC 9110 §5.6.2).
func isTokenByte(c byte) bool {
	if isAlphanumeric(c) {
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// trimSpace cuts the optional whitespace of RFC 9110 §5.6.3, which unlike
// strings.TrimSpace is the space and the tab and nothing of Unicode.
func trimSpace(s string) string { return strings.Trim(s, " \t") }

// equalFold compares ASCII without case. strings.EqualFold would take the
// Kelvin sign for a k, and a host name or a token must not.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
