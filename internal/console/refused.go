package console

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/molva-ws/molva/handshake"
)

// explain turns the error of a Dial into what the user can do about it.
func (d *dialing) explain(ctx context.Context, response *http.Response, err error) error {
	var wrongURL *handshake.URLError
	var wrongHeader *handshake.HeaderError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case response != nil:
		return errors.New(d.refused(response, err))
	case errors.As(err, &wrongURL):
		return usagef("%v", wrongURL)
	case errors.As(err, &wrongHeader):
		return usagef("%v%s", wrongHeader, headerAdvice(wrongHeader.Name))
	}
	return errors.New(d.text(visible(rootText(err)), d.advice(err)))
}

func headerAdvice(name string) string {
	if strings.EqualFold(name, "Sec-WebSocket-Protocol") {
		return "; it is what --subprotocol sends"
	}
	return ""
}

// text puts the lines of a failure together.
func (d *dialing) text(what, advice string) string {
	text := "cannot connect to " + d.address.String() + ": " + what
	if advice != "" {
		text += "\n  " + advice
	}
	if d.address.Guessed {
		text += "\n  (" + d.address.URL.Scheme + ":// was tried because no scheme was given)"
	}
	return text
}

// rootText leaves out of an error what text says already.
func rootText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return op.Err.Error()
	}
	text := err.Error()
	if _, rest, ok := strings.Cut(strings.TrimPrefix(text, "molva: dial "), ": "); ok {
		text = rest
	}
	return strings.ReplaceAll(text, "\n", ": ")
}

// advice says what to do when there is no answer that could be read.
func (d *dialing) advice(err error) string {
	var (
		notTLS    tls.RecordHeaderError
		untrusted x509.UnknownAuthorityError
		otherHost x509.HostnameError
		invalid   x509.CertificateInvalidError
		dns       *net.DNSError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &notTLS):
		return "The server does not speak TLS on this port: try " + d.address.with("ws")
	case errors.As(err, &untrusted), errors.As(err, &otherHost), errors.As(err, &invalid):
		return "The server's certificate cannot be verified. --insecure connects all the same, for a test."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there: does the server run, and is the port the right one?"
	case d.opts.Unix != "" && errors.Is(err, fs.ErrNotExist):
		return "There is no socket " + d.opts.Unix + "."
	case d.opts.Unix != "" && errors.Is(err, fs.ErrPermission):
		return "The socket " + d.opts.Unix + " may not be opened by this user."
	case errors.As(err, &dns) && dns.IsNotFound:
		return "The name " + dns.Name + " is not known: is it spelled right?"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return d.timeoutAdvice()
	case !d.address.secure() && answersInTLS(err):
		return "The server speaks TLS on this port: try " + d.address.with("wss")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "The server hung up without an answer: perhaps it is no web server" + d.otherScheme()
	}
	return ""
}

// timeoutAdvice thinks of TLS as well: a server that does not speak it may wait for a request's end.
func (d *dialing) timeoutAdvice() string {
	advice := fmt.Sprintf("No answer within %s; --timeout sets how long to wait.", d.opts.timeout())
	if d.address.secure() {
		advice += " If the server does not speak TLS on this port, try " + d.address.with("ws")
	}
	return advice
}

// answersInTLS reports whether what should be HTTP begins as a TLS alert does, which net/http quotes.
func answersInTLS(err error) bool {
	return strings.Contains(err.Error(), `"\x15\x03`)
}

func (d *dialing) otherScheme() string {
	if d.address.secure() {
		return "."
	}
	return ", or it wants TLS: " + d.address.with("wss")
}

// refused tells what the server answered instead of opening a WebSocket.
func (d *dialing) refused(r *http.Response, err error) string {
	var refusal *handshake.ResponseError
	if errors.As(err, &refusal) && refusal.Err != nil {
		return d.text("the server's handshake is wrong: "+visible(refusal.Err.Error()), "")
	}
	what := "the server answered " + visible(r.Status)
	body, _ := io.ReadAll(r.Body)
	if lines := firstLines(body); lines != "" {
		what += "\n" + lines
	}
	return d.text(what, d.statusAdvice(r, string(body)))
}

const (
	shownLines  = 5
	shownColumn = 160
)

// firstLines returns the beginning of a response's body, indented and harmless.
func firstLines(body []byte) string {
	var shown []string
	for line := range strings.Lines(string(body)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(shown) == shownLines {
			shown = append(shown, "  | …")
			break
		}
		if line = visible(line); utf8.RuneCountInString(line) > shownColumn {
			line = string([]rune(line)[:shownColumn]) + "…"
		}
		shown = append(shown, "  | "+line)
	}
	return strings.Join(shown, "\n")
}

// statusAdvice says what to do about an answer.
func (d *dialing) statusAdvice(r *http.Response, body string) string {
	switch status := r.StatusCode; {
	case status == http.StatusUnauthorized:
		return d.authAdvice(r)
	case status == http.StatusForbidden:
		return d.originAdvice()
	case status == http.StatusNotFound:
		path := d.address.URL.EscapedPath()
		return fmt.Sprintf("Nothing is at the path %s; many servers have their WebSocket at /ws.", path)
	case status == http.StatusUpgradeRequired:
		return upgradeAdvice(r)
	case status == http.StatusBadRequest && !d.address.secure() && strings.Contains(body, "HTTPS"):
		return "The server speaks TLS on this port: try " + d.address.with("wss")
	case status == http.StatusBadRequest && body != "" && !strings.Contains(body, http.StatusText(status)):
		return "" // it says itself what is wrong
	case status == http.StatusBadRequest, status == http.StatusMethodNotAllowed:
		return "The server does not take this for a WebSocket's handshake: another path? A proxy that drops Upgrade?"
	case status == http.StatusTooManyRequests:
		return "The server wants fewer connections: come back later" + retryAfter(r) + "."
	case status >= 500:
		return "The server is in trouble, or a proxy cannot reach the one behind it" + retryAfter(r) + "."
	case status >= 300 && status < 400:
		return d.redirectAdvice(r)
	case status >= 200 && status < 300:
		return "An ordinary page answers here: the WebSocket is at another path, or a proxy does not pass Upgrade on."
	}
	return ""
}

func (d *dialing) authAdvice(r *http.Response) string {
	advice := "The server wants to know who you are"
	if scheme := r.Header.Get("WWW-Authenticate"); scheme != "" {
		advice += " (" + visible(scheme) + ")"
	}
	if d.address.URL.User != nil || d.header.Get("Authorization") != "" {
		return advice + ", and does not take what was sent."
	}
	return advice + ": -H 'Authorization: Bearer TOKEN', or user:password@ before the host."
}

func (d *dialing) originAdvice() string {
	if origin := d.header.Get("Origin"); origin != "" {
		return fmt.Sprintf("Servers often refuse pages of other sites, and this request says Origin: %s.", visible(origin))
	}
	return "If the server serves only pages of its own site: --origin " + d.ownOrigin()
}

// ownOrigin is what a browser would send from a page of the server's.
func (d *dialing) ownOrigin() string {
	if d.address.secure() {
		return "https://" + d.address.URL.Host
	}
	return "http://" + d.address.URL.Host
}

func upgradeAdvice(r *http.Response) string {
	if versions := r.Header.Get("Sec-WebSocket-Version"); versions != "" && versions != "13" {
		return "The server speaks another version of the protocol: " + visible(versions) + "."
	}
	return "The server has not seen that an upgrade was asked for: a proxy on the way drops the header Upgrade."
}

func (d *dialing) redirectAdvice(r *http.Response) string {
	location, err := r.Location()
	if err != nil {
		return ""
	}
	switch location.Scheme {
	case "http":
		location.Scheme = "ws"
	case "https":
		location.Scheme = "wss"
	}
	return "The server points elsewhere: try " + visible(location.Redacted())
}

func retryAfter(r *http.Response) string {
	if after := r.Header.Get("Retry-After"); after != "" {
		return " (Retry-After: " + visible(after) + ")"
	}
	return ""
}
