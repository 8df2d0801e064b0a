// Package api is what applications say to the gateway and hear from it: a [Command], and the [Answer] to it. They are the
// same in Go, on the local socket, by HTTP and in the answers to hooks; docs/api.md describes them in JSON.
//
//	answer := g.Do(ctx, &api.Command{User: "42", Message: json.RawMessage(`"hi"`)})
//	if !answer.OK {
//		log.Print(answer.Error, ": ", answer.Message)
//	}
package api
