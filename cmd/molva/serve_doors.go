package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/molva-ws/molva/gateway/config"
	"github.com/molva-ws/molva/gateway/localsocket"
)

// doors are what the server listens on.
type doors struct {
	web    []net.Listener
	hosts  []string     // names that requests may have in Host, if only this machine may connect
	socket net.Listener // nil if there is none
}

func (d *doors) close() {
	for _, l := range d.web {
		l.Close()
	}
	if d.socket != nil {
		d.socket.Close()
	}
}

func (d *doors) addresses() []net.Addr {
	var all []net.Addr
	for _, l := range d.web {
		all = append(all, l.Addr())
	}
	return all
}

// socketAddress returns the path of the local socket, or its address with tcp: before it; "" if there is none.
func (d *doors) socketAddress() string {
	switch {
	case d.socket == nil:
		return ""
	case d.socket.Addr().Network() == "tcp":
		return "tcp:" + d.socket.Addr().String()
	}
	return d.socket.Addr().String()
}

// openDoors listens everywhere, or nowhere.
func openDoors(s *config.Settings) (*doors, error) {
	d := &doors{hosts: []string{"localhost"}}
	if err := d.open(s); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// open takes what was passed, and opens what was not.
func (d *doors) open(s *config.Settings) error {
	if err := d.takePassed(s); err != nil {
		return err
	}
	if len(d.web) == 0 {
		for _, address := range s.Listen {
			l, err := listenWeb(s, address)
			if err != nil {
				return err
			}
			host, _, _ := net.SplitHostPort(address)
			d.addWeb(l, host)
		}
	}
	if d.socket != nil {
		return nil
	}
	l, err := listenSocket(s)
	if err != nil {
		return err
	}
	d.socket = l
	return nil
}

// addWeb adds a listener for the web, and the host that it was made for to the names of this server.
func (d *doors) addWeb(l net.Listener, host string) {
	d.web = append(d.web, l)
	if host != "" {
		d.hosts = append(d.hosts, host)
	}
}

// encrypt has the web listeners speak TLS.
func (d *doors) encrypt(c *tls.Config) {
	for i, l := range d.web {
		d.web[i] = tls.NewListener(l, c)
	}
}

// listenWeb listens on an address, if it is one that may be listened on.
func listenWeb(s *config.Settings, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("--listen: %q is not an address such as 127.0.0.1:8000: %w", address, err)
	}
	if err := s.CheckReach(address, addr); err != nil {
		return nil, usage("--listen: %w", err)
	}
	return listenTCP("--listen", addr)
}

// listenSocket listens for commands. It returns nil if nobody wants that.
func listenSocket(s *config.Settings) (net.Listener, error) {
	if s.Socket == "none" {
		return nil, nil
	}
	if address, ok := strings.CutPrefix(s.Socket, "tcp:"); ok {
		return listenSocketTCP(s, address)
	}
	path := s.Socket
	if path == "" {
		path = localsocket.DefaultPath()
	}
	l, err := localsocket.Listen(path)
	if errors.Is(err, localsocket.ErrInUse) {
		return nil, fmt.Errorf("another molva serve has the local socket %s;\n"+
			"stop that, or give this one another: --socket PATH, or --socket none", path)
	}
	if err != nil {
		return nil, fmt.Errorf("--socket: %w", trimmed(err))
	}
	return l, nil
}

func listenSocketTCP(s *config.Settings, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("--socket: %q is not an address such as tcp:127.0.0.1:9000: %w", "tcp:"+address, err)
	}
	if !s.Open && !addr.IP.IsLoopback() {
		return nil, usage("--socket: other machines can reach %s, and keys would pass the network for all to read;\n"+
			"listen on 127.0.0.1:%d, or use the HTTP API behind TLS", address, addr.Port)
	}
	return listenTCP("--socket tcp:", addr)
}

// listenTCP listens, or says what to do about it.
func listenTCP(flag string, addr *net.TCPAddr) (net.Listener, error) {
	l, err := net.ListenTCP("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, errAddrInUse):
		next := *addr
		next.Port++
		return nil, fmt.Errorf("another program listens on %s already;\nstop that, or choose another port: %s", addr,
			joined(flag, next.String()))
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("this user may not listen on port %s: %w; those from 1024 on are for everyone",
			strconv.Itoa(addr.Port), err)
	}
	return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(flag, " tcp:"), err)
}

// joined puts a value behind a flag, or behind what begins a value.
func joined(flag, value string) string {
	if strings.HasSuffix(flag, ":") {
		return flag + value
	}
	return flag + " " + value
}
