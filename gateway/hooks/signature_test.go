package hooks_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway/hooks"
)

func TestVerify(t *testing.T) {
	now := time.Unix(1763950000, 0)
	body := []byte(`{"events":[]}`)
	good := hooks.Sign([]string{"old secret", secret}, now, body)
	one := hooks.Sign([]string{secret}, now, body)
	for _, tt := range []struct {
		name, value string
		body        string
		now         time.Time
		want        error
	}{
		{"good", good, string(body), now, nil},
		{"one secret", one, string(body), now, nil},
		{"later", good, string(body), now.Add(5 * time.Minute), nil},
		{"early", good, string(body), now.Add(-5 * time.Minute), nil},
		{"too late", good, string(body), now.Add(301 * time.Second), hooks.ErrSignatureTime},
		{"too early", good, string(body), now.Add(-301 * time.Second), hooks.ErrSignatureTime},
		{"another body", good, `{"events":[1]}`, now, hooks.ErrSignature},
		{"another time", strings.Replace(good, "1763950000", "1763950001", 1), string(body), now, hooks.ErrSignature},
		{"another secret", hooks.Sign([]string{"old secret"}, now, body), string(body), now, hooks.ErrSignature},
		{"no secret", hooks.Sign(nil, now, body), string(body), now, hooks.ErrSignature},
		{"cut", one[:len(one)-2], string(body), now, hooks.ErrSignature},
		{"nothing", "", string(body), now, hooks.ErrSignature},
		{"only a time", "t=1763950000", string(body), now, hooks.ErrSignature},
		{"only a mac", strings.TrimPrefix(one, "t=1763950000,"), string(body), now, hooks.ErrSignature},
		{"a time without its name", strings.TrimPrefix(one, "t="), string(body), now, hooks.ErrSignature},
		{"an empty mac", "t=1763950000,v1=", string(body), now, hooks.ErrSignature},
		{"no mac", "t=1763950000,v1", string(body), now, hooks.ErrSignature},
	} {
		if err := hooks.Verify(secret, tt.value, []byte(tt.body), tt.now, 5*time.Minute); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
		}
	}
	// From an implementation of its own: printf '1763950000.{"events":[]}' | openssl dgst -sha256 -hmac KEY.
	if path, err := exec.LookPath("openssl"); err == nil {
		c := exec.Command(path, "dgst", "-sha256", "-hmac", secret)
		c.Stdin = strings.NewReader("1763950000." + string(body))
		out, err := c.Output()
		_, digits, _ := strings.Cut(strings.TrimSpace(string(out)), "= ")
		if err != nil || one != "t=1763950000,v1="+digits {
			t.Errorf("%v: openssl says %q, here it is %q", err, digits, one)
		}
	}
}

// snippet returns the first piece of PHP in docs/hooks.md.
func snippet(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```php\n")
	code, _, ok := strings.Cut(rest, "```")
	if !ok || !strings.HasPrefix(code, "<?php") {
		t.Fatal("docs/hooks.md has no PHP")
	}
	return code
}

func TestTheSnippetInTheGuideVerifies(t *testing.T) {
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("there is no php")
	}
	script := filepath.Join(t.TempDir(), "verify.php")
	code := snippet(t) + "\necho json_encode(molva_request($argv[1], $argv[2], stream_get_contents(STDIN)));\n"
	if err := os.WriteFile(script, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	body := `{"events":[{"id":"a-1","event":"occupied","time":1,"room":"кот"}]}`
	now := time.Now()
	other := "another secret of some length"
	for _, tt := range []struct {
		name, signature, body string
		good                  bool
	}{
		{"good", hooks.Sign([]string{secret}, now, []byte(body)), body, true},
		{"the second of two", hooks.Sign([]string{other, secret}, now, []byte(body)), body, true},
		{"the first of two", hooks.Sign([]string{secret, other}, now, []byte(body)), body, true},
		{"another secret", hooks.Sign([]string{other}, now, []byte(body)), body, false},
		{"another body", hooks.Sign([]string{secret}, now, []byte(body)), body + " ", false},
		{"old", hooks.Sign([]string{secret}, now.Add(-time.Hour), []byte(body)), body, false},
		{"nothing", "", body, false},
		{"no mac", "t=" + strings.Split(hooks.Sign(nil, now, nil), "=")[1], body, false},
	} {
		c := exec.Command(php, script, secret, tt.signature)
		c.Stdin = strings.NewReader(tt.body)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", tt.name, err, out)
		}
		var b *hooks.Batch
		if err := json.Unmarshal(out, &b); err != nil {
			t.Fatalf("%s: %v: %s", tt.name, err, out)
		}
		if (b != nil) != tt.good || tt.good && b.Events[0].Room != "кот" {
			t.Errorf("%s: %s", tt.name, out)
		}
	}
}
