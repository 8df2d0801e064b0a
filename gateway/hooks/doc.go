// Package hooks tells the application by HTTP what its clients do, and asks it whether they may join a room. Requests
// are signed; events come in batches and in order, wait while the application is away, and its answers may carry
// commands. docs/hooks.md has every field.
//
//	h, err := hooks.New(hooks.Options{URL: "http://127.0.0.1/molva.php", Secrets: []string{secret}, Do: g.Do})
//	g.Observer = h.Observer()
package hooks
