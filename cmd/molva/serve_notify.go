package main

import (
	"fmt"
	"net"
	"os"
)

// notify tells the service manager how the server is, as sd_notify(3) does. Without one nothing happens.
func (r *serving) notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	nc, err := net.Dial("unixgram", path) // a path that begins with @ is an abstract one here, too
	if err == nil {
		_, err = nc.Write([]byte(state))
		nc.Close()
	}
	if err != nil {
		r.log.Warn("the service manager cannot be told how the server is", "state", state, "error", err)
	}
}

// notifyReloading says that a reload has begun, which READY=1 ends.
func (r *serving) notifyReloading() {
	if now := monotonicMicroseconds(); now > 0 {
		r.notify(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now))
	}
}
