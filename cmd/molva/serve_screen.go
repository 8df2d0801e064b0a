package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"strings"

	webconsole "github.com/molva-ws/molva/gateway/console"
	"github.com/molva-ws/molva/gateway/localsocket"
	"github.com/molva-ws/molva/internal/console"
	"github.com/molva-ws/molva/internal/machine"
)

// announcement is what molva serve says when it has started.
type announcement struct {
	program string     // how it was called
	listen  []net.Addr // of the web
	open    bool       // anyone may connect as anyone
	tls     bool
	name    string // of the certificates that are made, without which no browser takes them; "" if there are others
	console bool   // there is a page
	socket  string // path, or tcp: and an address; "" for none
	flag    string // what --socket was
	key     string // made for this run, "" if there are others
	who     string // may come in; "" if open
	limits  string // on clients
	short   []machine.Shortage
}

// url returns where a browser on this machine finds the server.
func (a *announcement) url() string {
	return a.urlOf(a.listen[0])
}

func (a *announcement) urlOf(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if a.name != "" {
		host = a.name
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return a.scheme() + net.JoinHostPort(host, port)
}

func (a *announcement) scheme() string {
	if a.tls {
		return "https://"
	}
	return "http://"
}

// page returns the address of the page, which learns the key from it. Browsers do not send this part to the server.
func (a *announcement) page() string {
	if a.key == "" {
		return a.url() + "/"
	}
	return a.url() + "/#key=" + a.key
}

// send returns how a line that sends has to begin.
func (a *announcement) send() string {
	if a.keyed() {
		return a.sendWithoutKey() + " --key " + a.shownKey()
	}
	return a.sendWithoutKey()
}

// keyed reports whether that line needs the key, as it does where no local socket is a file.
func (a *announcement) keyed() bool { return a.socket == "" || strings.HasPrefix(a.socket, "tcp:") }

func (a *announcement) sendWithoutKey() string {
	line := a.program + " send"
	switch {
	case a.keyed():
		line += " --url " + a.url()
	case a.flag != "" || a.socket != localsocket.DefaultPath(): // the service manager may have passed one
		line += " --socket " + shellQuoted(a.socket)
	}
	return line
}

// hints returns what the page tells, to whoever can reach it from elsewhere not all of it.
func (a *announcement) hints() webconsole.Hints {
	h := webconsole.Hints{Send: a.sendWithoutKey(), Keyed: a.keyed()}
	if a.key != "" {
		h.Run = rand.Text()
	}
	if !a.keyed() {
		h.Socket = a.socket
	}
	return h
}

// shownKey returns the key, or what stands for one that is not to be printed.
func (a *announcement) shownKey() string {
	if a.key == "" {
		return "$MOLVA_KEY"
	}
	return a.key
}

// also returns where else it listens than at its url.
func (a *announcement) also() []string {
	var also []string
	for i, addr := range a.listen {
		if i > 0 {
			also = append(also, a.urlOf(addr))
		}
		if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
			also = append(also, fmt.Sprintf("port %d of every address of this machine", tcp.Port))
		}
	}
	return also
}

// reach names who can connect.
func (a *announcement) reach() string {
	for _, addr := range a.listen {
		tcp, ok := addr.(*net.TCPAddr)
		switch {
		case ok && tcp.IP.IsUnspecified():
			return fmt.Sprintf("Anyone who can reach port %d of this machine", tcp.Port)
		case !ok || !tcp.IP.IsLoopback():
			return "Anyone who can reach " + addr.String()
		}
	}
	return "Anyone on this machine who can reach " + a.listen[0].String()
}

// print shows it to a person.
func (a *announcement) print(s streams) {
	bold, loud, plain := "", "", ""
	if console.NewStreams(s.in, s.out, s.err).Colors {
		bold, loud, plain = "\x1b[1m", "\x1b[1;33m", "\x1b[0m"
	}
	row := func(label, text string) { fmt.Fprintf(s.out, "  %-14s%s\n", label, text) }
	fmt.Fprintf(s.out, "\n%smolva serves on %s%s\n\n", bold, a.url(), plain)
	if a.console {
		row("open", bold+a.page()+plain)
	}
	row("then type", bold+a.send()+` --user 42 "hi"`+plain)
	fmt.Fprintln(s.out)
	if a.open {
		fmt.Fprintf(s.out, "  %sOPEN: %s may speak, and as any user.%s\n\n", loud, a.reach(), plain)
	}
	if a.who != "" {
		row("may come in", a.who)
	}
	for _, also := range a.also() {
		row("also on", also)
	}
	if a.socket != "" {
		row("local socket", a.socket)
	}
	if a.key != "" {
		row("API key", a.key+"  (for this run; --key or MOLVA_KEY sets one that stays)")
	}
	row("limits", a.limits)
	row("to stop", "Ctrl+C")
	fmt.Fprintln(s.out)
	for _, short := range a.short {
		fmt.Fprintf(s.out, "  %sLOW:%s %s; what lifts it:\n      %s\n\n", loud, plain, short.What, strings.Join(short.Lift, "\n      "))
	}
}

// log tells it to a program. The entry with the url says that the server is ready.
func (a *announcement) log(log *slog.Logger) {
	if a.open {
		log.Warn("open: " + a.reach() + " may speak, and as any user")
	}
	for _, short := range a.short {
		log.Warn("a limit of the machine is low: "+short.What, "lift", strings.Join(short.Lift, "; "))
	}
	if a.who != "" {
		log.Info("may come in: " + a.who)
	}
	log.Info("limits: " + a.limits)
	for _, addr := range a.listen[1:] {
		log.Info("serving", "address", addr.String())
	}
	fields := []any{"address", a.listen[0].String(), "url", a.url(), "page", a.console, "socket", a.socket}
	if a.key != "" {
		fields = append(fields, "key", a.key)
	}
	log.Info("serving", fields...)
}
