// Package load drives a WebSocket server with many connections and checks every byte that comes back.
//
// Each message carries the number of its connection and its own, so that one that is lost, doubled, out of order or
// delivered to somebody else is noticed as surely as a corrupt one. On Linux, and without TLS, the connections are
// served by the event loops of package loop, a few hundred bytes for each; otherwise by a goroutine for each.
package load
