package proxy

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxConnectHeader bounds the answer to CONNECT, interim responses included.
	maxConnectHeader = 16 << 10

	// maxRefusalBody is how much of a refusal's body a ConnectError keeps.
	maxRefusalBody = 1 << 10

	// refusalBodyWait bounds the wait for that body: the refusal is known
	// already and the body only explains it.
	refusalBodyWait = time.Second
)

// ConnectError is an HTTP proxy's refusal to open a tunnel: an answer to CONNECT
// whose status is not 2xx (RFC 9110 §9.3.6). If the status is 407, it matches
// [ErrAuthentication].
type ConnectError struct {
	// StatusCode is the status, for example 403.
	StatusCode int
	// Status is the status with the proxy's own words, "403 Forbidden".
	Status string
	// Header is the header of the answer, of 16 KiB at most.
	Header http.Header
	// Body is the beginning of the answer's body, 1 KiB at most. It may be cut
	// short or empty.
	Body []byte
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("proxy refused CONNECT: %q", e.Status)
}

// Is reports whether target is [ErrAuthentication] and the status 407.
func (e *ConnectError) Is(target error) bool {
	return target == ErrAuthentication && e.StatusCode == http.StatusProxyAuthRequired
}

// connect asks the HTTP proxy on the other end of conn for a tunnel and returns
// the connection that reads what comes through it.
func connect(conn net.Conn, to target, user *url.Userinfo, header http.Header) (net.Conn, error) {
	request := connectRequest(to, user, header)
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("write CONNECT: %w", err)
	}

	limited := &io.LimitedReader{R: conn, N: maxConnectHeader}
	reader := bufio.NewReader(limited)
	response, err := readFinalResponse(reader, request)
	switch {
	case err != nil && limited.N <= 0:
		return nil, ErrHeaderTooLarge
	case err != nil:
		return nil, fmt.Errorf("read answer to CONNECT: %w", answerError(err))
	case response.StatusCode/100 != 2:
		limited.N = maxRefusalBody
		conn.SetReadDeadline(time.Now().Add(refusalBodyWait))
		return nil, newConnectError(response)
	}

	// What follows a 2xx header is the tunnel, whatever length the header
	// declares, and some of it may have been read already.
	if reader.Buffered() == 0 {
		return conn, nil
	}
	early, _ := reader.Peek(reader.Buffered())
	return &earlyConn{Conn: conn, early: early}, nil
}

func connectRequest(to target, user *url.Userinfo, header http.Header) *http.Request {
	header = header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	return &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: to.String()},
		Host:   to.String(),
		Header: header,
	}
}

// readFinalResponse reads the header of the answer to request, passing over
// interim 1xx responses (RFC 9110 §15.2). 101 is final: nobody asked for another
// protocol.
func readFinalResponse(r *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(r, request)
		if err != nil {
			return nil, err
		}
		if response.ProtoMajor != 1 {
			return nil, errors.New("not HTTP/1")
		}
		if response.StatusCode/100 != 1 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
}

func newConnectError(response *http.Response) *ConnectError {
	// Whatever arrives before an error explains the refusal as well.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusalBody))
	return &ConnectError{
		StatusCode: response.StatusCode,
		Status:     response.Status,
		Header:     response.Header,
		Body:       body,
	}
}

// earlyConn is a connection of which some bytes were read too early. Like any
// stream it is to be read by one goroutine at a time.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	if len(c.early) == 0 {
		c.early = nil // let go of the read buffer
	}
	return n, nil
}
