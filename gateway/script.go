package gateway

import (
	"bytes"
	"net/http"
	"time"

	"github.com/molva-ws/molva/js"
)

// script serves the browser client.
func (g *Gateway) script(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the script can only be read", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache") // it goes with the server's version
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "molva.js", time.Time{}, bytes.NewReader(js.Source))
}
