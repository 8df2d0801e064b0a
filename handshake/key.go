package handshake

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
)

// keyLength is the length of a nonce of nonceLength bytes in base64.
const (
	nonceLength = 16
	keyLength   = 24
)

// acceptGUID is what the server appends to the client's key (RFC 6455 §1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// NewKey returns a fresh Sec-WebSocket-Key: 16 random bytes in base64
// (RFC 6455 §4.1). Each handshake takes a new one.
func NewKey() string {
	var nonce [nonceLength]byte
	rand.Read(nonce[:]) // never fails, see crypto/rand
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// AcceptKey returns the Sec-WebSocket-Accept that answers key: the SHA-1 of the
// key and a fixed GUID, in base64 (RFC 6455 §4.2.2). It does not judge the key.
func AcceptKey(key string) string {
	return string(appendAcceptKey(nil, key))
}

func appendAcceptKey(dst []byte, key string) []byte {
	var buffer [keyLength + len(acceptGUID)]byte
	sum := sha1.Sum(append(append(buffer[:0], key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// isKey reports whether s is the base64 of exactly 16 bytes.
func isKey(s string) bool {
	if len(s) != keyLength {
		return false
	}
	var source, nonce [keyLength]byte
	copy(source[:], s)
	n, err := base64.StdEncoding.Decode(nonce[:], source[:])
	return err == nil && n == nonceLength
}
