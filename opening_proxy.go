package molva

import (
	"net"
	"net/http"

	"github.com/molva-ws/molva/internal/clientaddr"
)

// readProxyHeader takes the PROXY protocol header off the beginning of what has come, and notes where it says that the
// client is. It reports whether something is left to be read.
func (o *opening) readProxyHeader() bool {
	b := o.head.Bytes()
	source, n, err := clientaddr.ParseProxyProtocol(b)
	switch {
	case err != nil:
		o.server.counts.refuse(refusedRequest)
		o.refuse(&Refusal{Status: http.StatusBadRequest, Reason: "connections from proxies begin with a PROXY protocol header here"})
		return false
	case n == 0:
		return false
	case source.IsValid():
		o.remote = net.TCPAddrFromAddrPort(source)
		o.client = o.server.door.at(source)
	}
	o.proxied = false
	o.head.Set(b[:copy(b, b[n:])])
	return o.head.Len() > 0
}

// remoteAddr returns the address of the client, or of the proxy if that has not said whom it stands for.
func (o *opening) remoteAddr() net.Addr {
	if o.remote != nil {
		return o.remote
	}
	return o.conn.RemoteAddr()
}
