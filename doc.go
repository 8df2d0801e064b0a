// Package molva serves and dials WebSockets (RFC 6455), with compression (RFC 7692), rooms and users.
//
// # Serving with callbacks
//
// A [Server] calls OnOpen, OnMessage and OnClose. It is an [http.Handler] for a mux of the application, or listens on
// a port of its own:
//
//	srv := &molva.Server{
//		OnOpen:    func(c *molva.Conn) { c.Join("lobby") },
//		OnMessage: func(c *molva.Conn, m molva.Message) { c.Publish("lobby", m) },
//	}
//	http.Handle("/ws", srv)
//	log.Fatal(srv.ListenAndServe(":8000"))
//
// Callbacks of one connection never overlap and come in order. Each may block for as long as it likes: only its own
// connection waits. On Linux many connections share an event loop, and one that is idle holds neither a goroutine nor
// a buffer; see [Engine].
//
// A message that is handed to a callback lies in memory that will be used again; [Message.Clone] keeps it.
//
// # Sending
//
// [Conn.Send] never blocks: what the socket does not take waits in the connection's outbox, and [ErrBufferFull] says
// that it is full. [Conn.Write] waits for room instead. [Server.SendUser], [Server.Publish] and [Server.Broadcast] send
// to many; the message is encoded and compressed once. What becomes of a client that does not keep up is the server's
// [SlowPolicy].
//
// # Reading in a goroutine
//
// [Accept] in a handler, and [Dial], return a connection that is read with a loop:
//
//	for m, err := range c.Messages(ctx) {
//		if err != nil {
//			return err
//		}
//		err = c.Write(ctx, m)
//	}
//
// # Who gets in
//
// Without further ado a server admits pages of its own host and clients that are no browsers. Server.Origins widens
// that; Server.OnUpgrade sees every request and refuses it, or names the user.
//
// # The end
//
// However a connection ends, the application gets a [*CloseError] that tells the code, the reason and who began.
// [Server.Shutdown] sends what is waiting, says 1001 to everyone and waits for the callbacks.
package molva
