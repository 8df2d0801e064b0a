package gateway

import "context"

// ErrBadConfig is the error of the command reload when what it read has mistakes. Everything stays as it was then.
const ErrBadConfig ErrorCode = "bad_config"

// Reloaded is what came of reading the configuration again.
type Reloaded struct {
	File    string          `json:"file,omitempty"`
	Changed []ReloadedField `json:"changed"`
}

// ReloadedField is something that was set otherwise.
type ReloadedField struct {
	Key     string `json:"key"`
	From    string `json:"from"`
	To      string `json:"to"`
	Restart bool   `json:"restart,omitempty"` // it takes effect at the next start only
}

// doReload carries out the command reload.
func (g *Gateway) doReload(ctx context.Context) (*Answer, *commandError) {
	if g.Reload == nil {
		return nil, &commandError{ErrBadCommand, "this server has nothing that it could read again"}
	}
	reloaded, err := g.Reload(ctx)
	if err != nil {
		return nil, &commandError{ErrBadConfig, err.Error()}
	}
	return &Answer{Reloaded: reloaded}, nil
}

// isLocal reports whether a command may only be said on this machine.
func isLocal(command string) bool { return command == "reload" }
