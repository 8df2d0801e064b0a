// Package js holds the browser client: one ES module without dependencies that speaks docs/protocol.md. The gateway
// serves it at /molva.js; the same file is what npm has as molva.
package js

import _ "embed"

// Source is the module as written, UTF-8, of the type text/javascript. Nobody may change it.
//
//go:embed molva.js
var Source []byte
