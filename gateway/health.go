package gateway

import "net/http"

// healthz says that the process lives. Who restarts what does not answer here ends no shutdown early.
func (g *Gateway) healthz(w http.ResponseWriter, r *http.Request) {
	answerProbe(w, r, http.StatusOK, "ok\n")
}

// readyz says whether to send clients here.
func (g *Gateway) readyz(w http.ResponseWriter, r *http.Request) {
	if g.isStopping() {
		answerProbe(w, r, http.StatusServiceUnavailable, "shutting down\n")
		return
	}
	answerProbe(w, r, http.StatusOK, "ready\n")
}

func answerProbe(w http.ResponseWriter, r *http.Request, status int, text string) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		status, text = http.StatusMethodNotAllowed, "this is only to be looked at\n"
	}
	w.WriteHeader(status)
	w.Write([]byte(text))
}
