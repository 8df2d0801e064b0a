package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader is the field of a request that has its signatures:
//
//	Molva-Signature: t=1763950000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd
//
// t is the time in seconds since 1970, v1 the HMAC-SHA256, in hexadecimal digits, of t in its digits, a dot and the
// body. There is a v1 for each secret.
const SignatureHeader = "Molva-Signature"

// Sign returns the value of SignatureHeader for a body.
func Sign(secrets []string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	value := "t=" + seconds
	for _, secret := range secrets {
		value += ",v1=" + hex.EncodeToString(mac(secret, seconds, body))
	}
	return value
}

func mac(secret, seconds string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(seconds))
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// What Verify finds.
var (
	// ErrSignature says that there is no signature by that secret for that body.
	ErrSignature = errors.New("hooks: the signature is missing or wrong; both ends need the same secret")
	// ErrSignatureTime says that the signature is good but from another time.
	ErrSignatureTime = errors.New("hooks: the signature is too old, or a clock is wrong")
)

// Verify is for the application's end: it checks the value of SignatureHeader that came with a body. A request that
// was signed longer than tolerance ago, or as far ahead, may be a copy of an old one; five minutes are usual. The error
// is [ErrSignature] or [ErrSignatureTime].
func Verify(secret, value string, body []byte, now time.Time, tolerance time.Duration) error {
	fields := strings.Split(value, ",")
	seconds, ok := strings.CutPrefix(fields[0], "t=")
	t, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil {
		return ErrSignature
	}
	want := mac(secret, seconds, body)
	good := false
	for _, field := range fields[1:] {
		digits, _ := strings.CutPrefix(field, "v1=")
		if got, err := hex.DecodeString(digits); err == nil && hmac.Equal(got, want) {
			good = true
		}
	}
	switch {
	case !good:
		return ErrSignature
	case now.Sub(time.Unix(t, 0)).Abs() > tolerance:
		return ErrSignatureTime
	}
	return nil
}
