package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/clientaddr"
)

// checker looks for mistakes that are in no single value's type.
type checker struct {
	settings *Settings
	broken   map[string]bool // keys that were found wrong already
	problems Problems
}

func (c *checker) run() {
	c.checkGiven()
	c.checkMasked()
	c.checkAuth()
	c.checkRooms()
	c.checkHooks()
	c.checkAddresses()
	c.checkKeys()
	c.checkNames()
	c.checkProxies()
	c.checkLimits()
	c.checkTLS()
}

// say notes a problem with the value of a key, unless there is one already.
func (c *checker) say(path, format string, args ...any) {
	if c.broken[path] {
		return
	}
	for _, k := range Keys() {
		if k.Path == path {
			p := c.settings.sources[path].problem(&k, fmt.Sprintf(format, args...))
			if p.File == "" && c.settings.sources[path].From <= FromFile {
				p.File = c.settings.file
			}
			c.problems = append(c.problems, p)
		}
	}
}

// isSet reports whether a key has another value than its default, and a good one.
func (c *checker) isSet(path string) bool {
	for _, k := range Keys() {
		if k.Path == path {
			return !c.broken[path] && !sameValue(k.in(&c.settings.Config), k.in(Default()))
		}
	}
	return false
}

// checkGiven holds what is not from the file against the tags. What is was when it was read.
func (c *checker) checkGiven() {
	for _, k := range Keys() {
		if c.settings.sources[k.Path].From <= FromFile {
			continue
		}
		if text := checkTags(k.in(&c.settings.Config), k.tag); text != "" {
			c.say(k.Path, "%s", text)
			c.broken[k.Path] = true
		}
	}
}

// checkMasked finds what molva config has printed in place of a secret.
func (c *checker) checkMasked() {
	for _, k := range Keys() {
		if v := k.in(&c.settings.Config); (k.Secret || k.Address) && strings.Contains(fmt.Sprint(v), masked) {
			c.say(k.Path, "has %s, which molva config prints in place of a secret; put the secret there", masked)
			c.broken[k.Path] = true
		}
	}
}

func (c *checker) checkAddresses() {
	s := c.settings
	if len(s.Listen) == 0 {
		c.say("listen", "must have at least one address, such as 127.0.0.1:8000")
	}
	for _, address := range s.Listen {
		if err := checkAddress(address); err != nil {
			c.say("listen", "%q is not an address such as 127.0.0.1:8000: %v", address, err)
			continue
		}
		if addr, literal := literalAddr(address); literal {
			if err := s.CheckReach(address, addr); err != nil {
				c.say("listen", "%v", err)
			}
		}
	}
	if address, ok := strings.CutPrefix(s.Socket, "tcp:"); ok {
		if err := checkAddress(address); err != nil {
			c.say("socket", "%q is not an address such as tcp:127.0.0.1:9000: %v", s.Socket, err)
		}
	}
}

// checkAddress returns what is wrong with a host and a port.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "address "), address+": "))
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("there is no port %q", port)
	}
	return nil
}

// minKey is how many characters a key has at least, so that it cannot be guessed.
const minKey = 16

func (c *checker) checkKeys() {
	s := c.settings
	for _, key := range s.Keys {
		if !goodKey(key) {
			c.say("keys", "a key has at least %d letters, digits and signs, so that nobody guesses it; "+
				"openssl rand -hex 16 makes one", minKey)
			break
		}
	}
	s.keys = append(s.keys, s.Keys...)
	for _, file := range s.KeyFiles {
		keys, err := readKeys(file)
		if err != nil {
			c.say("key_files", "%v", err)
			continue
		}
		s.keys = append(s.keys, keys...)
	}
}

func goodKey(key string) bool {
	return len(key) >= minKey && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkNames looks at the names of hosts and of others' pages.
func (c *checker) checkNames() {
	for _, origin := range c.settings.Origins {
		if handshake.ValidateOrigins([]string{origin}) != nil {
			c.say("origins", "%q is not like https://app.example.com, *.example.com, localhost:* or *", origin)
		}
	}
	for _, host := range c.settings.Hosts {
		if !isIP(host) && !isHostName(host) {
			c.say("hosts", "%q is not the name of a host, without a port, such as app.example.com", host)
		}
	}
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isHostName reports whether a name can stand in Host: one of ASCII, as browsers send it, without a dot at the end.
func isHostName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.ContainsFunc(label, notInNames) {
			return false
		}
	}
	return true
}

// notInNames reports whether a character is in no name of a host or a header field that anybody uses.
func notInNames(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func (c *checker) checkProxies() {
	s := c.settings
	for _, proxy := range s.TrustedProxies {
		if _, err := clientaddr.ParseTrust([]string{proxy}); err != nil {
			c.say("trusted_proxies", "%q is not an address, a prefix such as 10.0.0.0/8, or unix", proxy)
		}
	}
	if s.ProxyHeader != "" && strings.ContainsFunc(s.ProxyHeader, notInNames) {
		c.say("proxy_header", "%q is not the name of a header field such as X-Real-IP", s.ProxyHeader)
	}
	if len(s.TrustedProxies) == 0 && !c.broken["trusted_proxies"] {
		const text = "means nothing without trusted_proxies, which say whose word is taken"
		if s.ProxyHeader != "" {
			c.say("proxy_header", text)
		}
		if s.ProxyProtocol {
			c.say("proxy_protocol", text)
		}
	}
	if s.ProxyProtocol && s.TLS.On() {
		c.say("proxy_protocol", "stands before TLS, which molva cannot read then; leave TLS to the proxy, or take proxy_header")
	}
}

func (c *checker) checkLimits() {
	l := &c.settings.Limits
	if l.Conns > 0 && l.ConnsPerAddress > l.Conns {
		c.say("limits.conns_per_address", "is more than limits.conns, which is %s, and so never holds", strconv.Itoa(l.Conns))
	}
	if l.Conns > 0 && l.ConnsPerUser > l.Conns {
		c.say("limits.conns_per_user", "is more than limits.conns, which is %s, and so never holds", strconv.Itoa(l.Conns))
	}
	if l.HandshakeBurst > 0 && l.Handshakes == 0 {
		c.say("limits.handshake_burst", "means nothing without limits.handshakes, which says how many may come in a second")
	}
	if c.isSet("limits.message_burst") && l.Messages == 0 {
		c.say("limits.message_burst", "means nothing where limits.messages is 0, which is any number")
	}
	if l.Outbox < l.SendMessage {
		c.say("limits.outbox", "is less than limits.send_message, which is %v: such a message would reach nobody", l.SendMessage)
	}
}
