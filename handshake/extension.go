package handshake

import "strings"

// Bounds on one Sec-WebSocket-Extensions header, all its lines together. A
// browser offers one extension with one parameter; beyond these is an attack.
const (
	maxExtensions      = 32
	maxExtensionParams = 64
)

// Extension is one element of Sec-WebSocket-Extensions: an extension offered by
// a client or accepted by a server (RFC 6455 §9.1). Names are compared with case.
type Extension struct {
	Name   string // a token
	Params []Param
}

// Param is a parameter of an [Extension].
type Param struct {
	Name  string // a token
	Value string // a token, already without quotes; "" for a parameter without value
}

// ParseExtensions reads the lines of a Sec-WebSocket-Extensions header, in the
// order of preference they express. Extensions it has never heard of and
// repeated offers are kept. The error is a *HeaderError: the grammar of RFC 6455
// §9.1 is broken, a quoted value is no token once unquoted, nothing is listed
// at all, or there are more than 32 extensions or 64 parameters.
func ParseExtensions(lines []string) ([]Extension, error) {
	var list extensionList
	return list.read(lines)
}

// offered is room for the extensions that a browser offers.
type offered struct {
	extensions [2]Extension
	params     [4]Param
}

// parse is [ParseExtensions] with o for its memory, as far as that goes.
func (o *offered) parse(lines []string) ([]Extension, error) {
	list := extensionList{extensions: o.extensions[:0], params: o.params[:0]}
	return list.read(lines)
}

// AppendExtensions appends the value of a Sec-WebSocket-Extensions header that
// lists extensions. Names and values must be tokens, as [ParseExtensions]
// returns them; they are not checked here.
func AppendExtensions(dst []byte, extensions []Extension) []byte {
	for i, e := range extensions {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, e.Name...)
		for _, p := range e.Params {
			dst = append(append(dst, "; "...), p.Name...)
			if p.Value != "" {
				dst = append(append(dst, '='), p.Value...)
			}
		}
	}
	return dst
}

func extensionError(reason string) error {
	return &HeaderError{Name: "Sec-WebSocket-Extensions", Reason: reason}
}

// checkExtensions reports as a *HeaderError an extension that a caller made up
// and that could not be read back.
func checkExtensions(extensions []Extension) error {
	if len(extensions) > maxExtensions {
		return extensionError("more than 32 extensions")
	}
	params := 0
	for _, e := range extensions {
		if params += len(e.Params); params > maxExtensionParams {
			return extensionError("more than 64 parameters")
		}
		if err := e.check(); err != nil {
			return err
		}
	}
	return nil
}

func (e Extension) check() error {
	if !isToken(e.Name) {
		return extensionError(quote(e.Name) + " is not a token")
	}
	for _, p := range e.Params {
		if !isToken(p.Name) {
			return extensionError("parameter " + quote(p.Name) + " is not a token")
		}
		if p.Value != "" && !isToken(p.Value) {
			return extensionError("value " + quote(p.Value) + " is not a token")
		}
	}
	return nil
}

// extensionList gathers extensions line by line. All parameters lie in one
// slice, of which each extension holds its part.
type extensionList struct {
	extensions []Extension
	params     []Param
}

func (l *extensionList) read(lines []string) ([]Extension, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	for _, line := range lines {
		if fault := l.readLine(line); fault != "" {
			return nil, extensionError(fault)
		}
	}
	if len(l.extensions) == 0 {
		return nil, extensionError("no extension listed")
	}
	return l.extensions, nil
}

// readLine reads one line of the header and returns what is wrong with it.
func (l *extensionList) readLine(line string) (fault string) {
	s := scanner{rest: line}
	for {
		s.skipSpace()
		switch {
		case s.rest == "":
			return ""
		case s.take(','): // an empty element says nothing (RFC 9110 §5.6.1)
			continue
		}
		if fault := l.readExtension(&s); fault != "" {
			return fault
		}
		if s.rest != "" && !s.take(',') {
			return "unexpected character at " + quote(s.rest)
		}
	}
}

func (l *extensionList) readExtension(s *scanner) (fault string) {
	if len(l.extensions) == maxExtensions {
		return "more than 32 extensions"
	}
	name := s.token()
	if name == "" {
		return "no extension name at " + quote(s.rest)
	}
	first := len(l.params)
	for s.skipSpace(); s.take(';'); s.skipSpace() {
		if len(l.params) == maxExtensionParams {
			return "more than 64 parameters"
		}
		param, fault := s.param()
		if fault != "" {
			return fault
		}
		l.params = append(l.params, param)
	}
	params := l.params[first:len(l.params):len(l.params)]
	if len(params) == 0 {
		params = nil
	}
	l.extensions = append(l.extensions, Extension{Name: name, Params: params})
	return ""
}

// scanner reads a header value from its front; rest is what is left of it.
type scanner struct{ rest string }

func (s *scanner) skipSpace() { s.rest = strings.TrimLeft(s.rest, " \t") }

// take consumes c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// token consumes the longest token that comes next, "" if there is none.
func (s *scanner) token() string {
	n := 0
	for n < len(s.rest) && isTokenByte(s.rest[n]) {
		n++
	}
	token := s.rest[:n]
	s.rest = s.rest[n:]
	return token
}

// param consumes token [ "=" ( token | quoted-string ) ].
func (s *scanner) param() (param Param, fault string) {
	s.skipSpace()
	if param.Name = s.token(); param.Name == "" {
		return param, "no parameter name at " + quote(s.rest)
	}
	s.skipSpace()
	if !s.take('=') {
		return param, ""
	}
	s.skipSpace()
	if s.take('"') {
		param.Value, fault = s.quoted()
		return param, fault
	}
	if param.Value = s.token(); param.Value == "" {
		return param, "no value at " + quote(s.rest)
	}
	return param, ""
}

// quoted consumes a quoted-string whose opening quote is gone. What it quotes
// has to be a token all the same (RFC 6455 §9.1).
func (s *scanner) quoted() (value, fault string) {
	end, escaped := 0, false
	for ; end < len(s.rest) && s.rest[end] != '"'; end++ {
		if s.rest[end] == '\\' {
			escaped = true
			end++
		}
	}
	if end >= len(s.rest) {
		return "", "a quoted value does not end"
	}
	value, s.rest = s.rest[:end], s.rest[end+1:]
	if escaped {
		value = unescape(value)
	}
	if !isToken(value) {
		return "", "the quoted value " + quote(value) + " is not a token"
	}
	return value, ""
}

// unescape resolves the quoted-pairs in s (RFC 9110 §5.6.4), the last of which
// is whole.
func unescape(s string) string {
	plain := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}
