// Package handshake is the opening handshake of WebSocket (RFC 6455 §4) in both
// roles, with the negotiation of permessage-deflate (RFC 7692), as functions over
// the types of net/http. It opens no socket, reads no clock and starts no
// goroutine: it is given messages, judges them and writes the answers.
//
// A server reads a request by whatever means, and then
//
//	offer, err := handshake.CheckRequest(r)      // is it a handshake, what does it offer?
//	err = handshake.CheckOrigin(r, patterns)     // may the page it comes from connect?
//	buf, err = handshake.AppendResponse(buf, offer.Key, agreement, nil)
//
// The first two errors are a *[Refusal], which knows its status and reason and
// is sent by [Refusal.ServeHTTP] or [AppendRefusal]. What goes into the
// [Agreement] is chosen by [ChooseSubprotocol] and [NegotiateDeflate].
//
// A client makes an [Offer] into a request by [NewRequest], sends it, and has
// [CheckResponse] judge what comes back, which gives it the [Agreement], too.
//
// Whatever a peer sends takes time and memory linear in its length, and lists in
// it are bounded in their number. Headers must be keyed as net/http does it, by
// canonical names and with the space around values trimmed.
package handshake
