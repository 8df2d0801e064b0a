package molva_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"

	"github.com/molva-ws/molva"
)

// wsURL makes the address of a test server one for Dial.
func wsURL(s *httptest.Server) string { return strings.Replace(s.URL, "http", "ws", 1) }

// A server by callbacks: what one says, all in the room hear.
func ExampleServer() {
	srv := &molva.Server{
		OnOpen:    func(c *molva.Conn) { c.Join("lobby") },
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Publish("lobby", m) },
	}
	defer srv.Close()
	web := httptest.NewServer(srv) // or srv.ListenAndServe(":8000"), or http.Handle("/ws", srv)
	defer web.Close()

	ctx := context.Background()
	anna, _, _ := molva.Dial(ctx, wsURL(web), nil)
	defer anna.CloseNow()
	bert, _, _ := molva.Dial(ctx, wsURL(web), nil)
	defer bert.CloseNow()
	for len(srv.Members("lobby")) < 2 { // until the server has opened both
		runtime.Gosched()
	}
	anna.Write(ctx, molva.Text("hello"))
	m, err := bert.Read(ctx)
	fmt.Println(m, err)
	// Output: hello <nil>
}

// A connection that is read by a goroutine of its own.
func ExampleAccept() {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, nil)
		if err != nil {
			return // the response is written
		}
		defer c.CloseNow()
		for m, err := range c.Messages(r.Context()) {
			if err != nil {
				return
			}
			c.Write(r.Context(), molva.Text("you said "+m.String()))
		}
	}))
	defer web.Close()

	ctx := context.Background()
	c, _, err := molva.Dial(ctx, wsURL(web), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Write(ctx, molva.Text("hello"))
	m, _ := c.Read(ctx)
	fmt.Println(m)
	fmt.Println(c.Close(molva.CloseNormal, "bye"))
	// Output:
	// you said hello
	// <nil>
}

// Send to one user, whatever number of connections they have.
func ExampleServer_SendUser() {
	srv := &molva.Server{OnUpgrade: func(u *molva.Upgrade) error {
		u.User = u.URL.Query().Get("user") // from a session, really
		return nil
	}}
	defer srv.Close()
	web := httptest.NewServer(srv)
	defer web.Close()

	ctx := context.Background()
	c, _, _ := molva.Dial(ctx, wsURL(web)+"/?user=42", nil)
	defer c.CloseNow()
	for {
		if n, _ := srv.SendUser("42", molva.Text("hi")); n > 0 {
			break
		}
	}
	m, _ := c.Read(ctx)
	fmt.Println(m)
	// Output: hi
}

// A message for many connections is encoded once.
func ExamplePrepare() {
	prepared, err := molva.Prepare(molva.Text("news"))
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := &molva.Server{OnOpen: func(c *molva.Conn) { c.SendPrepared(prepared) }}
	defer srv.Close()
	web := httptest.NewServer(srv)
	defer web.Close()

	c, _, _ := molva.Dial(context.Background(), wsURL(web), nil)
	defer c.CloseNow()
	m, _ := c.Read(context.Background())
	fmt.Println(m)
	// Output: news
}
