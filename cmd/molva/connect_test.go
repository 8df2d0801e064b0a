package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
)

func TestConnectSendsALineAndPrintsTheAnswer(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	url := connectServer(t, &molva.Server{
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(molva.Text("you said " + m.String())) },
		OnClose:   func(_ *molva.Conn, err error) { closed <- err },
	})
	for _, input := range []string{"hi\n", "hi", "hi\r\n"} {
		// Even a busy machine finds the time to answer within this.
		connectOnce(t, input, url, "--wait", "3s").
			wants(t, 0, "you said hi\n", "* connected to "+url+"\n", "* closed by us: 1000 normal closure\n")
		if err := <-closed; !strings.Contains(err.Error(), "closed by peer: 1000") {
			t.Errorf("the server saw %v", err)
		}
	}
}

func TestConnectUnderstandsAddressesWithoutAScheme(t *testing.T) {
	url := connectEcho(t)
	connectOnce(t, "x\n", strings.TrimPrefix(url, "ws://"), "-n1").wants(t, 0, "x\n", "connected to "+url)
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(url, "ws://"), "/ws"))
	connectOnce(t, "x\n", ":"+port+"/ws", "-n1").wants(t, 0, "x\n", "connected to ws://localhost:"+port+"/ws")
}

func TestConnectSendsWhatItsFlagsSay(t *testing.T) {
	requests := make(chan *http.Request, 1)
	url := connectServer(t, &molva.Server{
		OnUpgrade: func(u *molva.Upgrade) error {
			requests <- u.Request
			return nil
		},
		Subprotocols: []string{"chat.v2", "chat.v1"},
	})
	for _, c := range []struct {
		args        []string
		field, want string
	}{
		{nil, "User-Agent", "molva"},
		{[]string{"--user-agent", "probe/1"}, "User-Agent", "probe/1"},
		{[]string{"-H", "User-Agent: mine"}, "User-Agent", "mine"},
		{[]string{"-H", "X-A: 1, 2", "--header=X-A:3"}, "X-A", "1, 2|3"},
		{[]string{"--origin", "https://example.com"}, "Origin", "https://example.com"},
		{[]string{"--subprotocol", "chat.v1", "--subprotocol", "chat.v2"}, "Sec-Websocket-Protocol", "chat.v1, chat.v2"},
		{[]string{"--compress"}, "Sec-Websocket-Extensions", "permessage-deflate; client_max_window_bits"},
		{[]string{"-H", "Host: other.example"}, "Host", "other.example"},
	} {
		connectOnce(t, "", append(c.args, url, "--wait=0s")...).wants(t, 0, "")
		r := <-requests
		r.Header.Set("Host", r.Host)
		if got := strings.Join(r.Header[c.field], "|"); got != c.want {
			t.Errorf("%q sends %s: %q, want %q", c.args, c.field, got, c.want)
		}
	}
	connectOnce(t, "", strings.Replace(url, "://", "://me:p%40ss@", 1), "--wait=0s").wants(t, 0, "", "ws://me:xxxxx@")
	if user, password, _ := (<-requests).BasicAuth(); user != "me" || password != "p@ss" {
		t.Errorf("the user is %q, the password %q", user, password)
	}
	connectOnce(t, "", url, "--wait=0s", "--subprotocol=chat.v1").wants(t, 0, "", url+", subprotocol chat.v1\n")
}

func TestConnectCompresses(t *testing.T) {
	url := connectServer(t, &molva.Server{
		Compression: molva.Compression{Enabled: true},
		OnMessage:   func(c *molva.Conn, m molva.Message) { c.Send(m) },
	})
	line := strings.Repeat("again and ", 10_000) + "\n"
	connectOnce(t, line, url, "--compress", "-n1").wants(t, 0, line, "permessage-deflate")
}

func TestConnectOverTLS(t *testing.T) {
	srv := &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) }}
	web := httptest.NewUnstartedServer(srv)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.StartTLS()
	t.Cleanup(func() { srv.Close(); web.Close() })
	address := strings.TrimPrefix(web.URL, "https://")
	connectOnce(t, "", "wss://"+address).wants(t, 1, "", "certificate", "--insecure")
	connectOnce(t, "hi", "wss://"+address, "--insecure", "-n1").wants(t, 0, "hi\n", "WARNING")
	connectOnce(t, "hi", "wss://"+address, "--insecure", "-n1", "-q").wants(t, 0, "hi\n", "WARNING")
	connectOnce(t, "", "ws://"+address).wants(t, 1, "", "400 Bad Request", "try wss://"+address)
	connectOnce(t, "", address).wants(t, 1, "", "try wss://"+address, "ws:// was tried")
}

func TestConnectToAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	connectServe(t, l, &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) }})
	connectOnce(t, "hi", "--unix", path, "/ws", "-n1").wants(t, 0, "hi\n", "connected to ws://localhost/ws")
	connectOnce(t, "hi", "--unix", path+"x", "/ws").wants(t, 1, "", "There is no socket")
}

func TestConnectSendsHexWithBinary(t *testing.T) {
	types := make(chan molva.Type, 1)
	url := connectServer(t, &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) {
		types <- m.Type
		c.Send(m)
	}})
	connectOnce(t, "00 FF\t1b\n", url, "--binary", "-n1").wants(t, 0, "00ff1b\n")
	if got := <-types; got != molva.TypeBinary {
		t.Errorf("the server got %v", got)
	}
	connectOnce(t, "0g\n", url, "--binary").wants(t, 1, "", "line 1 of the input is not hex")
	connectOnce(t, "000\n", url, "--binary").wants(t, 1, "", "line 1 of the input is not hex")
}

func TestConnectFormsOfOutput(t *testing.T) {
	url := connectScripted(t, func(c *molva.Conn) {
		c.Send(molva.Text(`{"a":[1,"\u001b"]}`))
		c.Send(molva.Text("two\nlines\x1b[31m"))
		c.Send(molva.Binary([]byte{0, 0x1b, 0xff}))
		c.Send(molva.Text(""))
		c.Close(molva.CloseNormal, "")
	})
	for _, c := range []struct{ flag, want string }{
		{"-q", "{\"a\":[1,\"\\u001b\"]}\ntwo\nlines\x1b[31m\n001bff\n\n"},
		{"--raw", "{\"a\":[1,\"\\u001b\"]}two\nlines\x1b[31m\x00\x1b\xff"},
		{"--pretty", "{\n  \"a\": [\n    1,\n    \"\\u001b\"\n  ]\n}\ntwo\nlines\x1b[31m\n001bff\n\n"},
	} {
		connectOnce(t, "", url, c.flag, "--wait", "forever").wants(t, 0, c.want)
	}
	got := connectOnce(t, "", url, "-t", "--wait", "forever")
	stamp := `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) `
	messages, events := regexp.MustCompile(stamp+`\{.*\n`+stamp+"two\n"), regexp.MustCompile(stamp+`\* connected`)
	if !messages.MatchString(got.out) || !events.MatchString(got.err) {
		t.Errorf("-t prints %q and %q", got.out, got.err)
	}
}

func TestConnectVerboseShowsTheHandshake(t *testing.T) {
	connectOnce(t, "", connectEcho(t), "-v", "--wait=0s").
		wants(t, 0, "", "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket")
}

func TestConnectQuietSaysNothingOfANormalLife(t *testing.T) {
	url := connectEcho(t)
	if got := connectOnce(t, "a\n", url, "-q", "-n1"); got.err != "" || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestConnectEndsAfterCountMessages(t *testing.T) {
	url := connectScripted(t, func(c *molva.Conn) {
		for i := range 10 {
			c.Send(molva.Text(fmt.Sprint(i)))
		}
		untilClosed(c)
	})
	connectOnce(t, "", url, "--count", "3").wants(t, 0, "0\n1\n2\n", "closed by us: 1000")
	in, _ := io.Pipe() // an input that does not end
	connectWith(t, t.Context(), in, url, "-n", "3").wants(t, 0, "0\n1\n2\n", "closed by us: 1000")
}

func TestConnectWaitsUntilTheServerCloses(t *testing.T) {
	url := connectScripted(t, func(c *molva.Conn) {
		m, _ := c.Read(context.Background())
		c.Send(m)
		c.Close(molva.CloseNormal, "that was all")
	})
	connectOnce(t, "hi\n", url, "--wait=forever").
		wants(t, 0, "hi\n", `closed by the server: 1000 normal closure, "that was all"`)
	connectOnce(t, "hi\n", url, "--wait=1h").wants(t, 0, "hi\n", "closed by the server")
}

func TestConnectRefusesWhatMakesNoSense(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "expected \"<url>\""},
		{[]string{"ftp://x"}, "scheme is not ws or wss"},
		{[]string{"ws://"}, "no host"},
		{[]string{"ws://x/#a"}, "fragment"},
		{[]string{"ws://me:secret@[/"}, "not a URL"},
		{[]string{"x", "-H", "nothing"}, "'Name: value'"},
		{[]string{"x", "-H", "Bad Name: 1"}, "not a field name"},
		{[]string{"x", "-H", "Sec-WebSocket-Protocol: a"}, "--subprotocol"},
		{[]string{"x", "--subprotocol", "a b"}, "Sec-WebSocket-Protocol"},
		{[]string{"x", "-n", "-1"}, "--count"},
		{[]string{"x", "--wait", "soon"}, "or forever"},
		{[]string{"x", "--max-message", "lots"}, "is not a size"},
		{[]string{"x", "--raw", "--pretty"}, "can't be used together"},
	} {
		got := connectOnce(t, "", c.args...)
		got.wants(t, 2, "", c.want)
		if strings.Contains(got.err, "secret") {
			t.Errorf("%q tells the password: %s", c.args, got.err)
		}
	}
}

func TestConnectTakesHugeMessagesUpToItsLimit(t *testing.T) {
	url := connectEcho(t)
	line := strings.Repeat("0123456789abcdef", 2<<20) // 32 MiB
	connectOnce(t, line+"\nafter\n", url, "-n2").wants(t, 0, line+"\nafter\n")
	raw := strings.Repeat("\x00\x1b\xff", 1<<20)
	connectOnce(t, hex.EncodeToString([]byte(raw)), url, "--binary", "--raw", "-n1").wants(t, 0, raw)
	sender := connectScripted(t, func(c *molva.Conn) {
		c.Send(molva.Text(line[:1001]))
		untilClosed(c)
	})
	connectOnce(t, "", sender, "--max-message=1001b", "-n1").wants(t, 0, line[:1001]+"\n")
	connectOnce(t, "", sender, "--max-message=1000b", "-n1").wants(t, 1, "", "1009 message too big", "--max-message")
	silent := connectScripted(t, func(c *molva.Conn) { untilClosed(c) })
	connectOnce(t, "short\n"+line[:1001], silent, "--max-message=1001b", "--wait=0s").wants(t, 0, "")
	connectOnce(t, "short\n"+line[:1001], silent, "--max-message=1000b").
		wants(t, 1, "", "line 2 of the input is longer than --max-message")
}

func TestConnectSendsNoTextThatIsNotUTF8(t *testing.T) {
	got := make(chan string, 4)
	url := connectServer(t, &molva.Server{
		OnMessage: func(_ *molva.Conn, m molva.Message) { got <- m.String() },
		OnClose:   func(*molva.Conn, error) { close(got) },
	})
	connectOnce(t, "good\nb\xffd\nnever\n", url).wants(t, 1, "", "line 2 of the input is not UTF-8")
	if first, more := <-got, len(<-got); first != "good" || more != 0 {
		t.Errorf("the server got %q and %d bytes more", first, more)
	}
}
