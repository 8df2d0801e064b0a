// Package remote says commands to a server that runs: by HTTP, on the local socket, or on its like on a TCP address.
//
//	g, err := remote.DialSocket(ctx, localsocket.DefaultPath())
//	...
//	answer, err := g.Do(ctx, &api.Command{User: "42", Message: json.RawMessage(`"hi"`)})
package remote
