package main

import (
	"errors"
	"os"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/molva-ws/molva/gateway/config"
)

// settings are the flags of what serves, or says how it would.
type settings struct {
	File          string `name:"config" placeholder:"FILE" help:"TOML file with settings; the environment and flags win over it. molva config prints one."`
	config.Config `embed:""`
}

// configEnv is the variable for --config.
const configEnv = "MOLVA_CONFIG"

// settingsVariables gives each flag of a command that has settings its variable of the environment.
func settingsVariables() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		names := map[string]string{"config": configEnv}
		for _, key := range config.Keys() {
			names[key.Flag] = key.Env
		}
		for _, command := range k.Model.Leaves(false) {
			if !hasSettings(command) {
				continue
			}
			for _, flag := range command.Flags {
				if env := names[flag.Name]; env != "" {
					flag.Envs = []string{env}
					flag.Value.Tag.Envs = flag.Envs
				}
			}
		}
		return nil
	})
}

// hasSettings reports whether a command has the flags of settings.
func hasSettings(command *kong.Node) bool {
	f, ok := command.Target.Type().FieldByName("settings")
	return ok && f.Type == reflect.TypeFor[settings]()
}

// loader returns what puts the settings together, from the flags as they were parsed.
func (s *settings) loader(k *kong.Context) *config.Loader {
	l := &config.Loader{File: s.File, Given: s.Config, By: make(map[string]config.From)}
	typed := make(map[string]bool)
	for _, p := range k.Path {
		if p.Flag != nil {
			typed[p.Flag.Name] = true
		}
	}
	for _, key := range config.Keys() {
		_, inEnvironment := os.LookupEnv(key.Env)
		switch {
		case key.Flag == "":
		case typed[key.Flag]:
			l.By[key.Path] = config.FromFlag
		case inEnvironment:
			l.By[key.Path] = config.FromEnvironment
		}
	}
	return l
}

// loadSettings puts the settings together, or says how to put them right.
func loadSettings(l *config.Loader) (*config.Settings, error) {
	loaded, err := l.Load()
	var wrong config.Problems
	if errors.As(err, &wrong) && !wrong.InFile() {
		return nil, usage("%w", err)
	}
	return loaded, err
}
