package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// An application in Go has the whole server in itself: its own routes stand beside those of the gateway, and what a
// script would say by HTTP it says by Do.
func ExampleGateway() {
	g := &gateway.Gateway{Console: true}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		a := g.Do(r.Context(), &api.Command{User: r.FormValue("user"), Message: json.RawMessage(`{"order":"placed"}`)})
		if !a.OK {
			http.Error(w, a.Message, http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "told in %d tabs", *a.Reached)
	})
	g.Handler = mux // or: mux.Handle("/", g), where the mux has the port
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Shutdown(context.Background())

	ctx := context.Background()
	tab := joined(ctx, server, "42", "")
	defer tab.CloseNow()
	response, err := http.Post(server.URL+"/orders?user=42", "", nil)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	fmt.Println(string(text))
	fmt.Println(next(ctx, tab).Data)
	// Output:
	// told in 1 tabs
	// map[order:placed]
}

// Who may do what is said in Go. A refusal that is a ClientError is what the client is told; any other is only logged.
func ExampleRules() {
	g := &gateway.Gateway{
		Rules: gateway.Rules{
			Join: func(c *gateway.Client, room string) error {
				if owner, ok := strings.CutPrefix(room, "cart:"); ok && owner != c.User() {
					return &gateway.ClientError{Message: "this is not your cart"}
				}
				return nil
			},
		},
		Logger: slog.New(slog.DiscardHandler),
	}
	server := httptest.NewServer(g)
	defer server.Close()
	defer g.Shutdown(context.Background())

	ctx := context.Background()
	for _, user := range []string{"42", "7"} {
		tab := joined(ctx, server, user, "cart:42")
		answer := next(ctx, tab)
		fmt.Printf("%s: %s %q\n", user, answer.Type, answer.Message)
		tab.CloseNow()
	}
	// Output:
	// 42: ok ""
	// 7: error "this is not your cart"
}

// tabMessage is what these clients look at in a message.
type tabMessage struct {
	Type, Message string
	Data          any
}

// joined connects a user, reads hello, and asks to join a room if it has a name.
func joined(ctx context.Context, server *httptest.Server, user, room string) *molva.Conn {
	url := strings.Replace(server.URL, "http", "ws", 1) + "/ws?user=" + user
	c, _, err := molva.Dial(ctx, url, nil)
	if err != nil {
		panic(err)
	}
	next(ctx, c)
	if room != "" {
		c.Write(ctx, molva.Text(`{"type":"join","ack":1,"room":"`+room+`"}`))
	}
	return c
}

func next(ctx context.Context, c *molva.Conn) (m tabMessage) {
	received, err := c.Read(ctx)
	if err != nil {
		panic(err)
	}
	json.Unmarshal(received.Data, &m)
	return m
}
