// Package config says everything that can be set about a server, once: a struct whose fields are the keys of a TOML file,
// the flags of the command line and the variables of the environment. A flag wins over the environment, that over the
// file, and that over the default.
//
//	l := config.Loader{File: "molva.toml"}
//	settings, err := l.Load() // err is a [Problems]: file, line and key of every mistake
//	server, err := settings.NewServer(config.Own{Key: key, Level: level, Logger: logger})
//	go server.Gateway.Serve(listener)
package config

import (
	"log/slog"
	"time"

	"github.com/molva-ws/molva/internal/bytesize"
)

// Config is what can be set. The tags define each key, for all three ways at once:
//
//   - toml names it in the file; that of a section is the name of a table.
//   - name is its flag. The variable is MOLVA_ and the same in upper case, with _ for each -.
//   - default and help are what they say; placeholder and group are for --help.
//   - enum lists the values that it may have, range bounds a number, as in 0..128 or 1.. for any from 1 on.
//   - secret:"true" has it masked wherever it is shown, secret:"url" what may be a secret in an address.
//   - live:"true" says that a change takes effect while the server runs. All else waits for the next start.
//
// What is not one value, such as a list of tables, has kong:"-" and is for the file only.
type Config struct {
	Listen         []string      `toml:"listen" name:"listen" placeholder:"ADDRESS" default:"127.0.0.1:8000" help:"Address for browsers and for the HTTP API; several are possible. Default: ${default}."`
	Open           bool          `toml:"open" name:"open" live:"true" help:"Let other machines connect, too, although anyone may then connect as anyone. It is not needed where clients have to say who they are."`
	Socket         string        `toml:"socket" name:"socket" placeholder:"PATH" help:"Local socket for commands: a path, tcp:127.0.0.1:9000, or none. Default: molva.sock in a folder of your own."`
	Keys           []string      `toml:"keys" name:"key" placeholder:"KEY" secret:"true" live:"true" help:"Key for the HTTP API; several while you change it. The environment keeps it out of the list of processes. Default: made at the start, and printed."`
	KeyFiles       []string      `toml:"key_files" name:"key-file" placeholder:"PATH" live:"true" help:"File with such keys, one a line."`
	Origins        []string      `toml:"origins" name:"origin" placeholder:"ORIGIN" live:"true" help:"Whose pages may connect beside this server's own: https://app.example.com, *.example.com, localhost:*, or * for any."`
	Hosts          []string      `toml:"hosts" name:"host" placeholder:"NAME" live:"true" help:"Name that requests may have in Host, without a port; others get 421. Default: any, but only this machine's own where only this machine may connect."`
	TrustedProxies []string      `toml:"trusted_proxies" name:"trusted-proxy" placeholder:"ADDRESS" live:"true" help:"Proxy whose word is taken on where a client is: an address, a prefix such as 10.0.0.0/8, or unix."`
	ProxyHeader    string        `toml:"proxy_header" name:"proxy-header" placeholder:"NAME" live:"true" help:"The only header field by which they name the client, such as X-Real-IP. Default: Forwarded, X-Forwarded-For or X-Real-IP."`
	ProxyProtocol  bool          `toml:"proxy_protocol" name:"proxy-protocol" live:"true" help:"Their connections begin with a PROXY protocol header, of version 1 or 2."`
	Console        bool          `toml:"console" name:"console" default:"true" negatable:"" help:"Serve the page at /, a chat and the figures."`
	Drain          time.Duration `toml:"drain" name:"drain" default:"10s" range:"0.." live:"true" help:"How long stopping may take, from SIGTERM or Ctrl+C on. Default: ${default}."`

	Direct string `toml:"direct" name:"direct" enum:",anyone,nobody" default:"" live:"true" help:"Who may send direct messages to any user: anyone or nobody. Default: nobody where clients have to say who they are or rooms have rules, else anyone."`
	Rooms  []Room `toml:"rooms" kong:"-" live:"true" help:"What clients may do in which rooms, as a table [[rooms]] for each rule; the first decides whose pattern stands for a room."`

	Auth   Auth   `toml:"auth" embed:""`
	Hooks  Hooks  `toml:"hooks" embed:"" group:"What the application is told and asked"`
	Limits Limits `toml:"limits" embed:"" group:"Limits"`
	Log    Log    `toml:"log" embed:"" group:"Log"`
	TLS    TLS    `toml:"tls" embed:"" group:"TLS"`
}

// Limits bounds what clients may cost. Where 0 is allowed it is any number.
type Limits struct {
	Conns           int           `toml:"conns" name:"max-conns" placeholder:"N" default:"0" range:"0.." live:"true" help:"WebSockets open at a time; who comes then gets 503. Default: any number."`
	ConnsPerAddress int           `toml:"conns_per_address" name:"max-conns-per-address" placeholder:"N" default:"0" range:"0.." live:"true" help:"Of them, from one address; who comes then gets 429. Default: any number."`
	ConnsPerUser    int           `toml:"conns_per_user" name:"max-conns-per-user" placeholder:"N" default:"0" range:"0.." live:"true" help:"Of them, of one user; who comes then gets 429. Default: any number."`
	Handshakes      float64       `toml:"handshakes" name:"max-handshakes" placeholder:"N" default:"0" range:"0.." live:"true" help:"New WebSockets in a second from one address; 0.1 is one in ten seconds. Default: any number."`
	HandshakeBurst  int           `toml:"handshake_burst" name:"handshake-burst" placeholder:"N" default:"0" range:"0.." live:"true" help:"How many of them may come at once. Default: what may come in a second."`
	IPv6Prefix      int           `toml:"ipv6_prefix" name:"ipv6-prefix" placeholder:"BITS" default:"64" range:"1..128" live:"true" help:"Leading bits of an IPv6 address that count as one address. Default: ${default}."`
	DryRun          bool          `toml:"dry_run" name:"dry-run" live:"true" help:"Let in whom the limits above would refuse, but log and count them."`
	HandshakeTime   time.Duration `toml:"handshake_time" name:"handshake-time" default:"10s" range:"1ms.." help:"How long an opening handshake may take. Default: ${default}."`

	Message      bytesize.Size `toml:"message" name:"max-message" placeholder:"SIZE" default:"64KiB" live:"true" help:"Size of a message from a client. Default: ${default}."`
	Messages     float64       `toml:"messages" name:"max-messages" placeholder:"N" default:"50" range:"0.." live:"true" help:"Messages in a second from one client; 0 is any number. Default: ${default}."`
	MessageBurst int           `toml:"message_burst" name:"message-burst" placeholder:"N" default:"100" range:"0.." live:"true" help:"How many of them may come at once. Default: ${default}."`
	Bytes        bytesize.Size `toml:"bytes" name:"max-bytes" placeholder:"SIZE" default:"256KiB" live:"true" help:"Bytes in a second from one client. Default: ${default}."`
	ByteBurst    bytesize.Size `toml:"byte_burst" name:"byte-burst" placeholder:"SIZE" default:"512KiB" live:"true" help:"How many of them may come at once. Default: ${default}."`
	Fast         string        `toml:"fast" name:"fast" enum:"pause,disconnect" default:"pause" live:"true" help:"What becomes of a client that is faster: ${enum}. Default: ${default}."`

	Outbox      bytesize.Size `toml:"outbox" name:"outbox" placeholder:"SIZE" default:"1MiB" help:"Bytes that wait for one client until it reads them. Default: ${default}."`
	Slow        string        `toml:"slow" name:"slow" enum:"disconnect,refuse,drop-oldest" default:"disconnect" live:"true" help:"What becomes of a client for whom more would wait: ${enum}. All but disconnect have it miss messages. Default: ${default}."`
	Rooms       int           `toml:"rooms" name:"max-rooms" placeholder:"N" default:"100" range:"1.." live:"true" help:"Rooms that one client may have joined at a time. Default: ${default}."`
	Name        int           `toml:"name" name:"max-name" placeholder:"BYTES" default:"128" range:"1..1024" help:"Bytes in the name of a user or a room. Default: ${default}."`
	SendMessage bytesize.Size `toml:"send_message" name:"max-send-message" placeholder:"SIZE" default:"1MiB" live:"true" help:"Size of a message from the application. Default: ${default}."`
}

// Log says what is logged, and how.
type Log struct {
	Format string     `toml:"format" name:"log-format" enum:"text,json" default:"text" help:"How to log to standard error: ${enum}. With json nothing else is printed."`
	Level  slog.Level `toml:"level" name:"log-level" placeholder:"LEVEL" default:"info" live:"true" help:"What to log: debug, info, warn or error. Default: ${default}."`
}

// TLS says how to serve https and wss. Certificates come from files or from an authority that speaks ACME.
type TLS struct {
	Cert          string   `toml:"cert" name:"tls-cert" placeholder:"FILE" help:"Certificate and its chain, in PEM. It is read again when it changes."`
	Key           string   `toml:"key" name:"tls-key" placeholder:"FILE" help:"Its private key, in PEM."`
	ACME          []string `toml:"acme" name:"acme" placeholder:"DOMAIN" help:"Have a certificate made for this name, by Let's Encrypt unless said otherwise. Port 443 of the name must lead here."`
	ACMECache     string   `toml:"acme_cache" name:"acme-cache" placeholder:"FOLDER" help:"Where certificates and their keys are kept. Needed with ACME."`
	ACMEEmail     string   `toml:"acme_email" name:"acme-email" placeholder:"ADDRESS" help:"Whom the authority tells about trouble."`
	ACMEDirectory string   `toml:"acme_directory" name:"acme-directory" placeholder:"URL" help:"The authority. Default: Let's Encrypt."`
	ACMERoots     string   `toml:"acme_roots" name:"acme-roots" placeholder:"FILE" help:"Certificates in PEM by which the authority itself is known, as one of your own is to nobody else. Default: the system's."`
	ACMEEABID     string   `toml:"acme_eab_id" name:"acme-eab-id" placeholder:"ID" help:"Key ID of the external account, if the authority wants one, as ZeroSSL does."`
	ACMEEABKey    string   `toml:"acme_eab_key" name:"acme-eab-key" placeholder:"KEY" secret:"true" help:"Its HMAC key, in base64url. The environment keeps it out of the list of processes."`
}
