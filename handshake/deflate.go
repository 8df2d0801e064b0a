package handshake

import "strconv"

// Names of the extension and of its parameters (RFC 7692 §7).
const (
	deflateName                  = "permessage-deflate"
	paramServerNoContextTakeover = "server_no_context_takeover"
	paramClientNoContextTakeover = "client_no_context_takeover"
	paramServerMaxWindowBits     = "server_max_window_bits"
	paramClientMaxWindowBits     = "client_max_window_bits"
)

// Window sizes are given as the base-2 logarithm of bytes (RFC 7692 §7.1.2).
const (
	MinWindowBits = 8  // 256 bytes
	MaxWindowBits = 15 // 32 KiB, what holds where nothing is said

	// AnyWindowBits is client_max_window_bits without a value, in an offer: the
	// client names no size and lets the server name one.
	AnyWindowBits = -1
)

// Deflate holds the parameters of permessage-deflate (RFC 7692 §7.1) as they
// stand in an offer, in a response, or in a server's wishes. The zero value is
// the extension without parameters: context takeover and windows of 32 KiB both
// ways.
type Deflate struct {
	// ServerNoContextTakeover has the server compress every message afresh.
	ServerNoContextTakeover bool
	// ClientNoContextTakeover has the client compress every message afresh.
	ClientNoContextTakeover bool
	// ServerMaxWindowBits bounds the window the server compresses with: 8 to 15,
	// or 0 where the parameter is absent.
	ServerMaxWindowBits int
	// ClientMaxWindowBits bounds the window the client compresses with: 8 to 15,
	// or 0 where the parameter is absent. An offer without it forbids the server
	// to ask for a smaller window; [AnyWindowBits] permits that and asks for none.
	ClientMaxWindowBits int
}

// ServerWindowBits returns the size of the server's window, 15 if unbounded.
func (d Deflate) ServerWindowBits() int { return boundedBits(d.ServerMaxWindowBits) }

// ClientWindowBits returns the size of the client's window, 15 if unbounded.
func (d Deflate) ClientWindowBits() int { return boundedBits(d.ClientMaxWindowBits) }

// Validate reports window bits that are out of range, as a *DeflateError.
func (d Deflate) Validate() error {
	if bits := d.ServerMaxWindowBits; bits != 0 && !isWindowBits(bits) {
		return &DeflateError{paramServerMaxWindowBits, strconv.Itoa(bits) + " is not 8 to 15"}
	}
	if bits := d.ClientMaxWindowBits; bits != 0 && bits != AnyWindowBits && !isWindowBits(bits) {
		return &DeflateError{paramClientMaxWindowBits, strconv.Itoa(bits) + " is not 8 to 15"}
	}
	return nil
}

// Extension returns d as an element of Sec-WebSocket-Extensions.
func (d Deflate) Extension() Extension {
	return Extension{Name: deflateName, Params: d.appendParams(nil)}
}

// String returns d as it stands in Sec-WebSocket-Extensions.
func (d Deflate) String() string { return string(d.append(nil)) }

func (d Deflate) append(dst []byte) []byte {
	var params [4]Param
	return AppendExtensions(dst, []Extension{{Name: deflateName, Params: d.appendParams(params[:0])}})
}

func (d Deflate) appendParams(params []Param) []Param {
	if d.ServerNoContextTakeover {
		params = append(params, Param{Name: paramServerNoContextTakeover})
	}
	if d.ClientNoContextTakeover {
		params = append(params, Param{Name: paramClientNoContextTakeover})
	}
	if bits := d.ServerMaxWindowBits; bits != 0 {
		params = append(params, Param{paramServerMaxWindowBits, strconv.Itoa(bits)})
	}
	switch bits := d.ClientMaxWindowBits; bits {
	case 0:
	case AnyWindowBits:
		params = append(params, Param{Name: paramClientMaxWindowBits})
	default:
		params = append(params, Param{paramClientMaxWindowBits, strconv.Itoa(bits)})
	}
	return params
}

// DeflateError reports a parameter of permessage-deflate that is malformed or
// breaks the rules of negotiation (RFC 7692 §7.1).
type DeflateError struct {
	Param  string // name of the parameter
	Reason string // what is wrong with it
}

func (e *DeflateError) Error() string { return deflateName + ": " + quote(e.Param) + ": " + e.Reason }

// parseDeflate reads the parameters of e, whose name has been compared. Both an
// offer and a response with an unknown parameter, a repeated one or a wrong
// value are void (RFC 7692 §7). client_max_window_bits may lack its value, which
// is for the caller to judge: an offer may, a response may not (§7.1.2.2).
func parseDeflate(e Extension) (Deflate, error) {
	var d Deflate
	for _, p := range e.Params {
		if fault := d.set(p); fault != "" {
			return Deflate{}, &DeflateError{p.Name, fault}
		}
	}
	return d, nil
}

// set takes p into d and returns what is wrong with it.
func (d *Deflate) set(p Param) (fault string) {
	switch p.Name {
	case paramServerNoContextTakeover:
		return setFlag(&d.ServerNoContextTakeover, p.Value)
	case paramClientNoContextTakeover:
		return setFlag(&d.ClientNoContextTakeover, p.Value)
	case paramServerMaxWindowBits:
		return setWindowBits(&d.ServerMaxWindowBits, p.Value)
	case paramClientMaxWindowBits:
		if p.Value == "" && d.ClientMaxWindowBits == 0 {
			d.ClientMaxWindowBits = AnyWindowBits
			return ""
		}
		return setWindowBits(&d.ClientMaxWindowBits, p.Value)
	}
	return "unknown parameter"
}

func setFlag(flag *bool, value string) (fault string) {
	if *flag {
		return "given twice"
	}
	if value != "" {
		return "takes no value"
	}
	*flag = true
	return ""
}

func setWindowBits(bits *int, value string) (fault string) {
	if *bits != 0 {
		return "given twice"
	}
	n, ok := parseWindowBits(value)
	if !ok {
		return "invalid value " + quote(value)
	}
	*bits = n
	return ""
}

// parseWindowBits reads a decimal from 8 to 15 without leading zeroes.
func parseWindowBits(s string) (bits int, ok bool) {
	switch {
	case len(s) == 1 && '8' <= s[0] && s[0] <= '9':
		return int(s[0] - '0'), true
	case len(s) == 2 && s[0] == '1' && '0' <= s[1] && s[1] <= '5':
		return 10 + int(s[1]-'0'), true
	}
	return 0, false
}

func isWindowBits(bits int) bool { return MinWindowBits <= bits && bits <= MaxWindowBits }

// boundedBits returns bits, or the largest window where bits name none.
func boundedBits(bits int) int {
	if isWindowBits(bits) {
		return bits
	}
	return MaxWindowBits
}
