package handshake_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/molva-ws/molva/handshake"
)

// A server answers a request, whichever way it was read.
func Example_server() {
	answer := func(r *http.Request) []byte {
		offer, err := handshake.CheckRequest(r)
		if err == nil {
			err = handshake.CheckOrigin(r, []string{"*.example.com"})
		}
		var refusal *handshake.Refusal
		if errors.As(err, &refusal) {
			return handshake.AppendRefusal(nil, refusal)
		}
		agreed := handshake.Agreement{
			Subprotocol: handshake.ChooseSubprotocol([]string{"chat"}, offer.Subprotocols),
		}
		if deflate, ok := handshake.NegotiateDeflate(offer.Extensions, handshake.Deflate{}); ok {
			agreed.Deflate = &deflate
		}
		response, _ := handshake.AppendResponse(nil, offer.Key, agreed, nil)
		return response
	}

	request := "GET /chat HTTP/1.1\r\n" +
		"Host: server.example.com\r\n" +
		"Origin: https://app.example.com\r\n" +
		"Connection: keep-alive, Upgrade\r\n" +
		"Upgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Protocol: superchat, chat\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
	r, _ := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	fmt.Println(strings.ReplaceAll(string(answer(r)), "\r\n", "\n"))
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: websocket
	// Connection: Upgrade
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	// Sec-WebSocket-Protocol: chat
	// Sec-WebSocket-Extensions: permessage-deflate
}

// A client makes an offer and has the response checked against it.
func Example_client() {
	offer := handshake.Offer{
		Key:          handshake.NewKey(),
		Subprotocols: []string{"chat"},
		Extensions: []handshake.Extension{
			handshake.Deflate{ClientMaxWindowBits: handshake.AnyWindowBits}.Extension(),
		},
	}
	r, err := handshake.NewRequest(context.Background(), "ws://server.example.com/chat", offer, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// In place of a network: what a server with small windows makes of it.
	received, _ := handshake.CheckRequest(r)
	deflate, _ := handshake.NegotiateDeflate(received.Extensions, handshake.Deflate{ClientMaxWindowBits: 10})
	raw, _ := handshake.AppendResponse(nil, received.Key, handshake.Agreement{Subprotocol: "chat", Deflate: &deflate}, nil)
	response, _ := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), r)

	agreed, err := handshake.CheckResponse(response, offer)
	fmt.Println(agreed.Subprotocol, agreed.Deflate, err)
	// Output:
	// chat permessage-deflate; client_max_window_bits=10 <nil>
}
