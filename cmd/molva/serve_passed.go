package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/config"
)

// takePassed takes what the service manager has opened for this process, as systemd does for a socket unit: TCP sockets
// are for the web, in place of the addresses that are set, and a Unix socket is for commands, in place of the local
// socket. Who may connect to that one is then for the socket unit to say.
func (d *doors) takePassed(s *config.Settings) error {
	listeners, _, err := molva.Listeners()
	if err != nil {
		return err
	}
	for i, l := range listeners {
		if err := d.take(s, l); err != nil {
			for _, left := range listeners[i:] {
				left.Close()
			}
			return err
		}
	}
	return nil
}

// take makes one that was passed a door.
func (d *doors) take(s *config.Settings, l net.Listener) error {
	switch addr := l.Addr().(type) {
	case *net.TCPAddr:
		if err := s.CheckReach("the socket of the service manager, "+addr.String()+",", addr); err != nil {
			return usage("%w", err)
		}
		d.addWeb(l, addr.IP.String())
		return nil
	case *net.UnixAddr:
		if d.socket != nil {
			return errors.New("the service manager has passed two Unix sockets; one is for commands, and there is no use for another")
		}
		d.socket = l
		return nil
	}
	return fmt.Errorf("the service manager has passed a socket of the kind %s; TCP and Unix sockets are of use", l.Addr().Network())
}
