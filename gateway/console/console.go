// Package console is the page that the gateway shows at /: who is connected, what is sent, how the server does. It is
// for the one who runs the server, and for the first minute of everybody else.
package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"net/http"
	"path"
	"time"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// policy lets the page load its own files and talk to its own server, and nothing else. Even if a message got
// into the page as HTML, no script in it would run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Hints is what the page tells whoever opens it, so that the lines on it can be typed as they are. Who can reach the
// page can read them, so there is no key among them.
type Hints struct {
	// Send begins the command line that sends, as "molva send".
	Send string `json:"send,omitempty"`
	// Keyed tells that this line needs the server's key. The page adds it if it was opened with it.
	Keyed bool `json:"keyed,omitempty"`
	// Socket is the path of the local socket.
	Socket string `json:"socket,omitempty"`
	// Run tells runs of the server apart. The page forgets the key it was opened with when it changes.
	Run string `json:"run,omitempty"`
	// Open tells that anyone may connect as any user, which the page then says, too.
	Open bool `json:"open,omitempty"`
}

// Handler serves the page at /, its files and the hints, which it asks for each time, below /console/.
func Handler(hints func() Hints) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, "index.html") })
	mux.HandleFunc("/console/hints.json", func(w http.ResponseWriter, r *http.Request) { serveHints(w, r, hints()) })
	mux.HandleFunc("/console/{file}", func(w http.ResponseWriter, r *http.Request) {
		serveFile(w, r, r.PathValue("file"))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this page is only to be looked at", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}

// types are named here so that no file of the system decides.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	content, err := files.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

func serveHints(w http.ResponseWriter, r *http.Request, hints Hints) {
	text, err := json.Marshal(hints)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, "hints.json", time.Time{}, bytes.NewReader(text))
}
