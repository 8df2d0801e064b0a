// Package routers holds tests that mount a molva.Server on the routers that Go applications use.
package routers
