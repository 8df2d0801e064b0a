package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
)

// The numbers of RFC 1928 and RFC 1929 that a client needs.
const (
	socksVersion     = 5
	socksAuthVersion = 1 // of the username/password negotiation

	socksNoAuth       = 0x00
	socksPasswordAuth = 0x02
	socksNoMethod     = 0xff

	socksCommandConnect = 1

	socksIPv4   = 1
	socksDomain = 3
	socksIPv6   = 4

	socksSucceeded = 0
)

// SOCKSError is a SOCKS 5 proxy's refusal to connect (RFC 1928 §6).
type SOCKSError struct {
	// Code is the reply field of the proxy's answer, never zero.
	Code byte
}

func (e *SOCKSError) Error() string {
	return fmt.Sprintf("socks5 reply %d: %s", e.Code, e.text())
}

func (e *SOCKSError) text() string {
	switch e.Code {
	case 1:
		return "general failure"
	case 2:
		return "not allowed by ruleset"
	case 3:
		return "network unreachable"
	case 4:
		return "host unreachable"
	case 5:
		return "connection refused"
	case 6:
		return "ttl expired"
	case 7:
		return "command not supported"
	case 8:
		return "address type not supported"
	}
	return "unknown reply"
}

// connectSOCKS asks the SOCKS 5 proxy on the other end of rw for a tunnel. It
// reads not one byte more than the proxy's answers, so that the tunnel's bytes
// stay in rw.
func connectSOCKS(rw io.ReadWriter, to target, user *url.Userinfo) error {
	if err := authenticateSOCKS(rw, user); err != nil {
		return err
	}
	if _, err := rw.Write(appendSOCKSRequest(nil, to)); err != nil {
		return fmt.Errorf("write socks5 request: %w", err)
	}
	return readSOCKSReply(rw)
}

// authenticateSOCKS agrees on a method of authentication (RFC 1928 §3) and
// carries it out.
func authenticateSOCKS(rw io.ReadWriter, user *url.Userinfo) error {
	offer := []byte{socksVersion, 1, socksNoAuth}
	var login []byte
	if user != nil {
		var err error
		if login, err = appendSOCKSLogin(nil, user); err != nil {
			return err
		}
		offer = []byte{socksVersion, 2, socksNoAuth, socksPasswordAuth}
	}
	if _, err := rw.Write(offer); err != nil {
		return fmt.Errorf("write socks5 greeting: %w", err)
	}
	var choice [2]byte
	if err := readSOCKS(rw, choice[:]); err != nil {
		return err
	}
	if choice[0] != socksVersion {
		return fmt.Errorf("%w: socks version %d", ErrProtocol, choice[0])
	}
	switch method := choice[1]; {
	case method == socksNoAuth:
		return nil
	case method == socksPasswordAuth && user != nil:
		return logInSOCKS(rw, login)
	case method == socksNoMethod:
		return fmt.Errorf("%w: no method acceptable to the proxy", ErrAuthentication)
	default:
		return fmt.Errorf("%w: socks5 method %d was not offered", ErrProtocol, method)
	}
}

// logInSOCKS sends a username and password and reads the verdict (RFC 1929 §2).
func logInSOCKS(rw io.ReadWriter, login []byte) error {
	if _, err := rw.Write(login); err != nil {
		return fmt.Errorf("write socks5 login: %w", err)
	}
	var verdict [2]byte
	if err := readSOCKS(rw, verdict[:]); err != nil {
		return err
	}
	if verdict[0] != socksAuthVersion {
		return fmt.Errorf("%w: socks5 login version %d", ErrProtocol, verdict[0])
	}
	if verdict[1] != 0 {
		return fmt.Errorf("%w: wrong username or password", ErrAuthentication)
	}
	return nil
}

// appendSOCKSLogin appends the username/password request of RFC 1929 §2. An
// empty password is let through, as net/http does.
func appendSOCKSLogin(b []byte, user *url.Userinfo) ([]byte, error) {
	name := user.Username()
	password, _ := user.Password()
	if name == "" || len(name) > 255 || len(password) > 255 {
		return nil, fmt.Errorf("%w: socks5 takes a username of 1 to 255 bytes and a password of at most 255", ErrAuthentication)
	}
	b = append(b, socksAuthVersion, byte(len(name)))
	b = append(b, name...)
	b = append(b, byte(len(password)))
	return append(b, password...), nil
}

// appendSOCKSRequest appends the request to connect to a target (RFC 1928 §4).
func appendSOCKSRequest(b []byte, to target) []byte {
	b = append(b, socksVersion, socksCommandConnect, 0)
	switch {
	case to.ip.Is4():
		b = append(b, socksIPv4)
		b = append(b, to.ip.AsSlice()...)
	case to.ip.Is6():
		b = append(b, socksIPv6)
		b = append(b, to.ip.AsSlice()...)
	default:
		b = append(b, socksDomain, byte(len(to.domain)))
		b = append(b, to.domain...)
	}
	return binary.BigEndian.AppendUint16(b, to.port)
}

// readSOCKSReply reads the answer to a request (RFC 1928 §6) and drops the
// address in it, which says from where the proxy connects to the target.
func readSOCKSReply(r io.Reader) error {
	var buf [255 + 2]byte // the longest domain name and the port
	head := buf[:4]
	if err := readSOCKS(r, head); err != nil {
		return err
	}
	version, code, reserved, kind := head[0], head[1], head[2], head[3]
	if version != socksVersion {
		return fmt.Errorf("%w: socks version %d", ErrProtocol, version)
	}
	if code != socksSucceeded {
		return &SOCKSError{Code: code}
	}
	if reserved != 0 {
		return fmt.Errorf("%w: socks5 reserved byte %d", ErrProtocol, reserved)
	}

	var length int
	switch kind {
	case socksIPv4:
		length = 4
	case socksIPv6:
		length = 16
	case socksDomain:
		if err := readSOCKS(r, buf[:1]); err != nil {
			return err
		}
		length = int(buf[0])
	default:
		return fmt.Errorf("%w: socks5 address type %d", ErrProtocol, kind)
	}
	return readSOCKS(r, buf[:length+2])
}

// readSOCKS fills b from the proxy's answer.
func readSOCKS(r io.Reader, b []byte) error {
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("read socks5 answer: %w", answerError(err))
	}
	return nil
}
