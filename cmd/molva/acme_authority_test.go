//go:build acme

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/freeaddr"
)

// pebble is the authority of those who make Let's Encrypt, for tests, with a resolver to go with it.
const pebble = "github.com/letsencrypt/pebble/v2/cmd/"

const pebbleVersion = "@v2.10.1"

var pebbleBuilt struct {
	once sync.Once
	err  error
}

// pebbleTool returns the path of one of its programs.
func pebbleTool(t *testing.T, name string) string {
	t.Helper()
	binary(t) // whose folder the programs go to
	pebbleBuilt.once.Do(func() {
		cmd := exec.Command("go", "install", pebble+"pebble"+pebbleVersion, pebble+"pebble-challtestsrv"+pebbleVersion)
		cmd.Env = append(os.Environ(), "GOBIN="+built.dir)
		var out []byte
		if out, pebbleBuilt.err = cmd.CombinedOutput(); pebbleBuilt.err != nil {
			t.Logf("%s", out)
		}
	})
	if pebbleBuilt.err != nil {
		t.Fatal(pebbleBuilt.err)
	}
	return filepath.Join(built.dir, name)
}

// authorityConfig says in what an authority differs from one that makes certificates for 90 days for anybody.
type authorityConfig struct {
	lifetime       time.Duration
	account, key   string // that a new account has to be bound to
	refuses        string // a name
	looksElsewhere bool   // for names than where they are
}

// authority is an ACME server that asks, by TLS-ALPN-01, whether a name is at this machine.
type authority struct {
	*testing.T
	config    authorityConfig
	directory string // its URL
	roots     string // file with what its own certificate is known by
	looksAt   string // address of whoever wants certificates
	dir       string
	manage    string // address
	running   *exec.Cmd
}

// startAuthority starts one and waits until it answers.
func startAuthority(t *testing.T, c authorityConfig) *authority {
	t.Helper()
	ca := newAuthority(t, c)
	ca.start()
	return ca
}

// newAuthority says where one will be.
func newAuthority(t *testing.T, c authorityConfig) *authority {
	t.Helper()
	pebbleTool(t, "pebble")
	ca := &authority{T: t, config: c, dir: t.TempDir(), looksAt: freeaddr.Get(t), manage: freeaddr.Get(t)}
	ca.directory = "https://" + freeaddr.Get(t) + "/dir"
	certificate(t, ca.dir, "the authority")
	ca.roots = filepath.Join(ca.dir, "cert.pem")
	return ca
}

// start starts it, and its resolver, for which every name is this machine.
func (ca *authority) start() {
	ca.Helper()
	resolver := freeaddr.Get(ca.T)
	ca.run(exec.Command(pebbleTool(ca.T, "pebble-challtestsrv"), "-dnsserver", resolver, "-management", freeaddr.Get(ca.T),
		"-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""))
	cmd := exec.Command(pebbleTool(ca.T, "pebble"), "-config", ca.writeConfig(), "-dnsserver", resolver)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	ca.running = cmd
	ca.run(cmd)
	waitFor(ca.T, func() bool { return ca.fetch(ca.directory) != nil })
}

// run starts a program and ends it with the test.
func (ca *authority) run(cmd *exec.Cmd) {
	ca.Helper()
	if err := cmd.Start(); err != nil {
		ca.Fatal(err)
	}
	ca.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// stop has it be gone.
func (ca *authority) stop() {
	ca.Helper()
	ca.running.Process.Kill()
	ca.running.Wait()
	if ca.fetch(ca.directory) != nil {
		ca.Fatal("it answers yet")
	}
}

// writeConfig returns the file that says all this to it.
func (ca *authority) writeConfig() string {
	ca.Helper()
	looksAt := ca.looksAt
	if ca.config.looksElsewhere {
		looksAt = freeaddr.Get(ca.T)
	}
	set := map[string]any{
		"listenAddress":           ca.directory[len("https://") : len(ca.directory)-len("/dir")],
		"managementListenAddress": ca.manage,
		"certificate":             ca.roots,
		"privateKey":              filepath.Join(ca.dir, "key.pem"),
		"tlsPort":                 portOf(ca.T, looksAt),
		"httpPort":                portOf(ca.T, freeaddr.Get(ca.T)),
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
		"profiles":                map[string]any{"default": map[string]any{"validityPeriod": int(ca.config.lifetime.Seconds())}},
	}
	if ca.config.refuses != "" {
		set["domainBlocklist"] = []string{ca.config.refuses}
	}
	if ca.config.account != "" {
		set["externalAccountBindingRequired"] = true
		set["externalAccountMACKeys"] = map[string]string{ca.config.account: ca.config.key}
	}
	text, err := json.Marshal(map[string]any{"pebble": set})
	if err != nil {
		ca.Fatal(err)
	}
	path := filepath.Join(ca.dir, "pebble.json")
	rewrite(ca.T, path, string(text))
	return path
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return addr.Port
}

// fetch returns what is at a URL of the authority; nil if nothing.
func (ca *authority) fetch(url string) []byte {
	ca.Helper()
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(ca.T, ca.dir)}}
	defer web.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		ca.Fatal(err)
	}
	response, err := web.Do(r)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return body
}

// issuer returns what clients have to trust who believe what it certifies. It makes a new one at each start.
func (ca *authority) issuer() *x509.CertPool {
	ca.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca.fetch("https://" + ca.manage + "/roots/0")) {
		ca.Fatal("it has no root")
	}
	return pool
}
