package handshake_test

import (
	"encoding/base64"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

// The key and its answer from RFC 6455 §1.3.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func TestAcceptKeyAnswersTheExampleOfTheRFC(t *testing.T) {
	if got := handshake.AcceptKey(sampleKey); got != sampleAccept {
		t.Errorf("AcceptKey(%q) = %q, want %q", sampleKey, got, sampleAccept)
	}
}

func TestNewKeyIsSixteenBytesAndFresh(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		key := handshake.NewKey()
		nonce, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(nonce) != 16 {
			t.Fatalf("NewKey() = %q: %d bytes, %v", key, len(nonce), err)
		}
		if seen[key] {
			t.Fatalf("NewKey() = %q twice", key)
		}
		seen[key] = true
	}
}
