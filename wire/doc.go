// Package wire is the WebSocket protocol without a socket, a clock or a goroutine: frames, masking, UTF-8, close
// codes (RFC 6455 §5 to §8) and permessage-deflate (RFC 7692). It takes bytes and gives bytes, for both roles.
//
// A [Decoder] turns what arrives, cut anywhere, into events; [AppendFrame] and its siblings turn messages into
// frames. Everything the protocol forbids becomes an [*Error] with the close code that the RFC asks for.
package wire
