// Package bench measures molva against its peers and against the limit of the
// machine; README.md says how to run what. It is a module of its own, so that
// who imports molva does not pay for the peers.
package bench
