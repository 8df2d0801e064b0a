package api

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
