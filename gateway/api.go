package gateway

import (
	_ "embed"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/internal/command"
	"github.com/molva-ws/molva/internal/nearest"
	"github.com/molva-ws/molva/internal/rawjson"
)

// openAPI describes the HTTP API in OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

const (
	// batchBytes bounds the body of a batch.
	batchBytes = 16 << 20
	// batchCommands is how many commands a batch may have.
	batchCommands = 1000
	// bodyTime is how long a request's body may take, and an answer.
	bodyTime = 30 * time.Second
)

// httpAPI answers what is asked under /api/. Whoever has no key learns nothing there but that.
type httpAPI struct {
	gateway *Gateway
	routes  map[string]apiRoute
}

// apiRoute is a path under /api/.
type apiRoute struct {
	methods []string // as Allow says them
	serve   func(a *httpAPI, w http.ResponseWriter, r *http.Request)
}

func (g *Gateway) apiHandler() http.Handler {
	a := &httpAPI{gateway: g, routes: make(map[string]apiRoute)}
	for _, name := range command.Names() {
		if isLocal(name) {
			continue
		}
		methods := []string{http.MethodPost}
		if command.OnlyLooks(name) {
			methods = []string{http.MethodGet, http.MethodHead, http.MethodPost}
		}
		serve := func(a *httpAPI, w http.ResponseWriter, r *http.Request) { a.command(w, r, name) }
		a.routes[name] = apiRoute{methods: methods, serve: serve}
	}
	a.routes["batch"] = apiRoute{methods: []string{http.MethodPost}, serve: (*httpAPI).batch}
	a.routes["openapi.json"] = apiRoute{methods: []string{http.MethodGet, http.MethodHead}, serve: (*httpAPI).describe}
	return a
}

// ServeHTTP checks the key, finds the route, and answers with JSON whatever happens.
func (a *httpAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &statusRecorder{ResponseWriter: w, id: requestID(r)}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Request-Id", seen.id)
	name := strings.TrimPrefix(r.URL.Path, "/api/")
	a.serve(seen, r, name)
	if _, known := a.routes[name]; !known {
		name = "other" // those who ask must not make the metrics grow
	}
	took := time.Since(began)
	a.gateway.heard.request(name, took)
	a.log(seen, r, took)
}

func (a *httpAPI) serve(w http.ResponseWriter, r *http.Request, name string) {
	if refusal := a.gateway.keyring().Check(r); refusal != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="molva"`)
		a.answer(w, refusal)
		return
	}
	route, known := a.routes[name]
	switch {
	case !known:
		paths := slices.Sorted(maps.Keys(a.routes))
		a.answer(w, api.Refusedf(api.ErrBadCommand, "there is no /api/%s%s", command.Shown([]byte(name)),
			nearest.Suggest(name, paths)))
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", allow(route.methods))
		w.WriteHeader(http.StatusNoContent)
	case !slices.Contains(route.methods, r.Method):
		w.Header().Set("Allow", allow(route.methods))
		a.answer(w, api.Refusedf(api.ErrBadMethod, "/api/%s wants %s", name, allow(route.methods)))
	default:
		route.serve(a, w, r)
	}
}

func allow(methods []string) string { return strings.Join(methods, ", ") + ", " + http.MethodOptions }

// command carries out one command.
func (a *httpAPI) command(w http.ResponseWriter, r *http.Request, name string) {
	var c api.Command
	var refusal *api.Answer
	if r.Method == http.MethodPost {
		refusal = a.decodeBody(w, r, name, &c)
	} else {
		refusal = a.decodeQuery(r, name, &c)
	}
	if refusal == nil && name == "send" {
		refusal = takeHeaderKey(r, &c)
	}
	if refusal != nil {
		a.gateway.heard.command(doorHTTP, name, refusal.Error)
		a.answer(w, refusal)
		return
	}
	a.answer(w, a.gateway.perform(r.Context(), doorHTTP, &c))
}

func (a *httpAPI) decodeBody(w http.ResponseWriter, r *http.Request, name string, c *api.Command) *api.Answer {
	body, refusal := readBody(w, r, command.MaxBytes)
	if refusal != nil {
		return refusal
	}
	if err := rawjson.Check(body); err != nil {
		return api.Refusedf(api.ErrBadJSON, "the body is not a JSON object: %v", err)
	}
	return command.DecodeObject(body, name, c)
}

func (a *httpAPI) decodeQuery(r *http.Request, name string, c *api.Command) *api.Answer {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return api.Refusedf(api.ErrBadField, "the query is not correct: %v", err)
	}
	return command.DecodeQuery(query, name, c)
}

// describe answers with the API's description.
func (a *httpAPI) describe(w http.ResponseWriter, r *http.Request) {
	a.write(w, http.StatusOK, openAPI)
}

// answer writes an answer with its status.
func (a *httpAPI) answer(w http.ResponseWriter, answer *api.Answer) {
	b := newAnswerLines()
	b.add(a.gateway, answer)
	a.write(w, statusOf(answer), b.Bytes())
}

// write writes a whole response, for as long as the client may take to read it.
func (a *httpAPI) write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(bodyTime))
	w.WriteHeader(status)
	w.Write(body)
	control.Flush()
	control.SetWriteDeadline(time.Time{}) // other handlers write on this connection, too
}

// statusOf returns the HTTP status of an answer.
func statusOf(a *api.Answer) int {
	switch a.Error {
	case "":
		return http.StatusOK
	case api.ErrBadJSON, api.ErrBadField:
		return http.StatusBadRequest
	case api.ErrUnauthorized:
		return http.StatusUnauthorized
	case api.ErrBadCommand:
		return http.StatusNotFound
	case api.ErrBadMethod:
		return http.StatusMethodNotAllowed
	case api.ErrTooLarge:
		return http.StatusRequestEntityTooLarge
	case api.ErrKeyReused:
		return http.StatusUnprocessableEntity
	case api.ErrBusy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
