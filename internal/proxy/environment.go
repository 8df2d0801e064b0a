package proxy

import (
	"net/http"
	"net/url"
)

// FromEnvironment returns the proxy that the environment names for a WebSocket
// URL: HTTP_PROXY for ws, HTTPS_PROXY for wss (or their lowercase forms), except
// for what NO_PROXY excludes. It returns nil when there is none, and always for
// localhost and loopback addresses.
//
// The rules, and the error for a value that is no URL, are those of
// [http.ProxyFromEnvironment], which reads the environment at its first use in
// the process and does not see later changes.
func FromEnvironment(u *url.URL) (*url.URL, error) {
	like := *u
	switch u.Scheme {
	case "ws":
		like.Scheme = "http"
	case "wss":
		like.Scheme = "https"
	}
	return http.ProxyFromEnvironment(&http.Request{URL: &like})
}
