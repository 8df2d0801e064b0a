package load

import (
	"bufio"
	"bytes"
	"net/http"

	"github.com/molva-ws/molva/handshake"
)

// judge judges the header of a response. The ones that are the same to the byte are judged once.
func (s *shard) judge(head []byte) error {
	if bytes.Equal(head, s.approved) {
		return nil
	}
	t, cfg := s.fleet.target, s.fleet.cfg
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		return refused("the server's answer is not HTTP (%w): is this the port of a web server?", err)
	}
	agreed, err := handshake.CheckResponse(response, t.offer)
	switch {
	case err != nil:
		return refused("%w%s", err, adviceOnStatus(response))
	case cfg.Compress && agreed.Deflate == nil:
		return errNoDeflate
	case cfg.Molva && agreed.Subprotocol == "":
		return errNotMolva
	}
	s.approved = bytes.Clone(head)
	return nil
}

// adviceOnStatus says what to do about a response that opens no WebSocket.
func adviceOnStatus(r *http.Response) string {
	switch status := r.StatusCode; {
	case status == http.StatusSwitchingProtocols:
		return ""
	case status == http.StatusForbidden:
		return "; the server may want an Origin: --header 'Origin: https://…'"
	case status == http.StatusUnauthorized:
		return "; the server wants to know who comes: --header 'Authorization: …'"
	case status == http.StatusNotFound:
		return "; is the path in the URL right?"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return "; the server limits connections: fewer (--conns), slower (--ramp), or from more addresses (--source)"
	case status < 300:
		return ": a web server, but no WebSocket under this path; is the path in the URL right?"
	case status < 400 && r.Header.Get("Location") != "":
		return ", and sends to " + r.Header.Get("Location")
	}
	return "; molva connect shows all that it says"
}
