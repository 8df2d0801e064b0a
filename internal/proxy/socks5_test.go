package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
)

// dialSOCKS dials through a SOCKS proxy that runs script.
func dialSOCKS(t *testing.T, user *url.Userinfo, script func(net.Conn)) (net.Conn, error) {
	t.Helper()
	proxyURL := proxyAt("socks5", listen(t, "tcp4", script), user)
	return new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
}

func TestSOCKSRefusalIsExplained(t *testing.T) {
	for code, want := range map[byte]string{
		1: "general failure", 2: "not allowed by ruleset", 3: "network unreachable", 4: "host unreachable",
		5: "connection refused", 6: "ttl expired", 7: "command not supported", 8: "address type not supported",
		9: "unknown reply", 255: "unknown reply",
	} {
		t.Run(want, func(t *testing.T) {
			// Some proxies send no address after a refusal; none is waited for.
			_, err := dialSOCKS(t, nil, answers("\x05\x00", "\x05"+string([]byte{code})+"\x00\x01"))
			var refused *SOCKSError
			if !errors.As(err, &refused) || refused.Code != code {
				t.Fatalf("err = %v, want a SOCKSError of code %d", err, code)
			}
			if !strings.HasSuffix(err.Error(), want) {
				t.Errorf("err = %v, want it to say %q", err, want)
			}
		})
	}
}

func TestSOCKSRejectsMalformedAnswer(t *testing.T) {
	for name, says := range map[string][]string{
		"nothing":                    {""},
		"half a method":              {"\x05"},
		"SOCKS 4":                    {"\x04\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"HTTP":                       {"HTTP/1.1 400 Bad Request\r\n\r\n"},
		"method of GSSAPI":           {"\x05\x01"},
		"half a verdict":             {"\x05\x02", "\x01"},
		"verdict of another version": {"\x05\x02", "\x05\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"no reply":                   {"\x05\x00", ""},
		"half a reply":               {"\x05\x00", "\x05\x00\x00"},
		"reply of SOCKS 4":           {"\x05\x00", "\x04\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
		"reserved byte":              {"\x05\x00", "\x05\x00\x01\x01\x00\x00\x00\x00\x00\x00"},
		"unknown address type":       {"\x05\x00", "\x05\x00\x00\x02\x00\x00\x00\x00\x00\x00"},
		"half an IPv4 address":       {"\x05\x00", "\x05\x00\x00\x01\x00\x00"},
		"IPv4 address for IPv6":      {"\x05\x00", "\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00"},
		"address without port":       {"\x05\x00", "\x05\x00\x00\x01\x00\x00\x00\x00"},
		"domain without length":      {"\x05\x00", "\x05\x00\x00\x03"},
		"domain shorter than it says": {"\x05\x00",
			"\x05\x00\x00\x03\xffproxy.test\x00\x50"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dialSOCKS(t, url.UserPassword("molva", "secret"), func(conn net.Conn) {
				buf := make([]byte, 4096)
				for _, part := range says {
					conn.Read(buf)
					io.WriteString(conn, part)
				}
			})
			if !errors.Is(err, ErrProtocol) {
				t.Errorf("err = %v, want ErrProtocol", err)
			}
		})
	}
}

func TestSOCKSRejectsLoginThatWasNotOffered(t *testing.T) {
	_, err := dialSOCKS(t, nil, answers("\x05\x02"))
	if !errors.Is(err, ErrProtocol) {
		t.Errorf("err = %v, want ErrProtocol", err)
	}
}

func TestSOCKSLoginMustFitItsLengths(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, tt := range map[string]struct {
		user *url.Userinfo
		want string // nothing if it does not fit
	}{
		"usual":          {url.UserPassword("molva", "secret"), "\x01\x05molva\x06secret"},
		"longest":        {url.UserPassword(long[:255], long[:255]), "\x01\xff" + long[:255] + "\xff" + long[:255]},
		"empty password": {url.User("molva"), "\x01\x05molva\x00"},
		"empty user":     {url.UserPassword("", "secret"), ""},
		"long user":      {url.UserPassword(long, "secret"), ""},
		"long password":  {url.UserPassword("molva", long), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := appendSOCKSLogin(nil, tt.user)
			if string(got) != tt.want || errors.Is(err, ErrAuthentication) != (tt.want == "") {
				t.Errorf("appendSOCKSLogin = %q, %v", got, err)
			}
		})
	}
}

func TestSOCKSLoginThatDoesNotFitIsNotTried(t *testing.T) {
	_, err := dialSOCKS(t, url.UserPassword("", "secret"), func(conn net.Conn) {
		if sent, _ := io.ReadAll(conn); len(sent) != 0 {
			t.Errorf("the proxy was sent %q", sent)
		}
	})
	if !errors.Is(err, ErrAuthentication) {
		t.Errorf("err = %v, want ErrAuthentication", err)
	}
}

func TestSOCKSLeavesBytesAfterReplyInConnection(t *testing.T) {
	for name, bound := range map[string]string{
		"IPv4":         "\x01\x00\x00\x00\x00\x00\x00",
		"IPv6":         "\x04" + strings.Repeat("\x00", 18),
		"domain":       "\x03\x04test\x00\x50",
		"empty domain": "\x03\x00\x00\x50",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := dialSOCKS(t, nil, answers("\x05\x00", "\x05\x00\x00"+bound+"early"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			got := make([]byte, len("early"))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "early" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// FuzzSOCKS checks that an answer of any bytes is read to its end and no
// further.
func FuzzSOCKS(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50early"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x04test\x00\x50early"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x05\x00\x01"))
	to, err := parseTarget("target.test:80")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		unread := bytes.NewReader(answer)
		conn := struct {
			io.Reader
			io.Writer
		}{unread, io.Discard}
		err := connectSOCKS(conn, to, url.UserPassword("molva", "secret"))
		read := len(answer) - unread.Len()
		const longest = 2 + 2 + 4 + 1 + 255 + 2
		if read > longest {
			t.Fatalf("read %d bytes", read)
		}
		if err == nil && read < len("\x05\x00\x05\x00\x00\x03\x00\x00\x50") {
			t.Fatalf("satisfied by %q", answer[:read])
		}
		if err != nil && !errors.Is(err, ErrProtocol) && !errors.Is(err, ErrAuthentication) && !errors.As(err, new(*SOCKSError)) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
