package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxKeys is how many keys one source may have.
const maxKeys = 64

// parseKeyFile reads PEM, a JWK, or a JWK set.
func parseKeyFile(data []byte) (keySet, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' {
		return parsePEM(data)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("it begins like JSON but is none")
	}
	if set.Keys == nil {
		set.Keys = []json.RawMessage{data}
	}
	return parseJWKs(set.Keys, true)
}

// parseJWKS reads a JWK set from a URL. What everybody can read must not be a secret.
func parseJWKS(data []byte) (keySet, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return nil, errors.New("it is no JWK set")
	}
	return parseJWKs(set.Keys, false)
}

// parseJWKs leaves out keys that are of no use here (RFC 7517 §5), unless all are.
func parseJWKs(raw []json.RawMessage, secrets bool) (keySet, error) {
	if len(raw) > maxKeys {
		return nil, fmt.Errorf("it has more than %d keys", maxKeys)
	}
	var set keySet
	var why []string
	for i := range raw {
		k, err := parseJWK(raw[i], secrets)
		if err != nil {
			why = append(why, err.Error())
			continue
		}
		set = append(set, k)
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("it has no key that is of use here: %s", strings.Join(why, "; "))
	}
	return set, nil
}

func parseJWK(raw []byte, secrets bool) (key, error) {
	var j jose.JSONWebKey
	if err := j.UnmarshalJSON(raw); err != nil {
		return key{}, errors.New("one is no JWK of a kind that is used here")
	}
	_, isSecret := j.Key.([]byte)
	switch {
	case j.Use != "" && j.Use != "sig":
		return key{}, errors.New("one is not for signatures")
	case isSecret && !secrets:
		return key{}, errors.New("one is a secret, which must not be published")
	case !isSecret && !j.IsPublic():
		return key{}, errors.New("one is a private key, which has no business here")
	}
	k, err := newKey(j.KeyID, j.Key)
	if err == nil && j.Algorithm != "" {
		err = k.narrow(j.Algorithm)
	}
	return k, err
}

// parsePEM reads public keys and certificates, of which only the key counts.
func parsePEM(data []byte) (keySet, error) {
	var set keySet
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		material, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		k, err := newKey("", material)
		if err != nil {
			return nil, err
		}
		if set = append(set, k); len(set) > maxKeys {
			return nil, fmt.Errorf("it has more than %d keys", maxKeys)
		}
	}
	if set == nil {
		return nil, errors.New("it has neither PEM nor a JWK in it")
	}
	return set, nil
}

func parseBlock(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("it has a private key in it; only the public one has business here")
	}
	return nil, fmt.Errorf("it has a block of type %q in it, which is no public key", block.Type)
}
