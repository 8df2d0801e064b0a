package gateway

import (
	"context"

	"github.com/molva-ws/molva/gateway/api"
)

// doReload carries out the command reload.
func (g *Gateway) doReload(ctx context.Context) (*api.Answer, *commandError) {
	if g.Reload == nil {
		return nil, &commandError{api.ErrBadCommand, "this server has nothing that it could read again"}
	}
	reloaded, err := g.Reload(ctx)
	if err != nil {
		return nil, &commandError{api.ErrBadConfig, err.Error()}
	}
	return &api.Answer{Reloaded: reloaded}, nil
}

// isLocal reports whether a command may only be said on this machine.
func isLocal(command string) bool { return command == "reload" }
