package molva_test

import (
	"log"
	"net/http"
	"time"

	"github.com/molva-ws/molva"
)

// A server for everybody: no client, and no network of clients, can have all of it.
func ExampleAdmission() {
	srv := &molva.Server{
		Admission: molva.Admission{
			Conns:          100_000,
			ConnsPerAddr:   5,
			Handshakes:     0.5, // one in two seconds, once the burst is used up
			HandshakeBurst: 10,
		},
		Limits: molva.Limits{
			Messages:     20,
			MessageBurst: 100,
			Bytes:        64 << 10,
			ByteBurst:    1 << 20,
		},
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) },
	}
	go func() {
		for range time.Tick(time.Minute) {
			stats := srv.Stats()
			log.Printf("%d connections; refused: %+v; paused: %d", stats.Conns, stats.Refused, stats.Fast.Paused)
		}
	}()
	log.Fatal(srv.ListenAndServe(":8000"))
}

// Behind a reverse proxy on the same machine, the limits count the proxy's clients and not the proxy.
func ExampleServer_trustedProxies() {
	srv := &molva.Server{
		TrustedProxies: []string{"127.0.0.1", "::1", "unix"},
		ProxyHeader:    "X-Forwarded-For",
		Admission:      molva.Admission{ConnsPerAddr: 5},
		OnUpgrade: func(u *molva.Upgrade) error {
			if u.ClientAddr.IsPrivate() {
				return &molva.Refusal{Status: http.StatusForbidden, Reason: "not from inside"}
			}
			return nil
		},
		OnOpen: func(c *molva.Conn) { log.Print(c.ClientAddr(), " by way of ", c.RemoteAddr()) },
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8000"))
}

// The sockets of a systemd socket unit stay open while the service is restarted.
func ExampleListeners() {
	listeners, _, err := molva.Listeners()
	if err != nil {
		log.Fatal(err)
	}
	srv := &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) }}
	for _, l := range listeners {
		go func() { log.Print(srv.Serve(l)) }()
	}
	if len(listeners) == 0 {
		log.Print(srv.ListenAndServe(":8000"))
	}
}
