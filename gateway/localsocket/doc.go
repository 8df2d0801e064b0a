// Package localsocket is the Unix socket on which a machine's programs find the server: where it is, and how to listen on
// it and connect to it so that neither is fooled by another user. What is said there is package gateway's business.
//
//	l, err := localsocket.Listen(localsocket.DefaultPath())
//	...
//	nc, err := localsocket.Dial(ctx, localsocket.DefaultPath())
package localsocket
