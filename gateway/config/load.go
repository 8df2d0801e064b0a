package config

import (
	"reflect"
	"strings"
)

// Default returns what holds if nothing is set.
func Default() *Config {
	c := new(Config)
	for _, k := range Keys() {
		if k.Default != "" {
			setText(k.in(c), k.Default) // a test sees to it that each can be
		}
	}
	return c
}

// Loader puts together what is set by all ways. It may be used again, when the file has changed.
type Loader struct {
	// File is the path of the file; "" for none.
	File string
	// Given has the values that were set in the environment and on the command line, which neither changes.
	Given Config
	// By tells which they are, by the paths of their keys.
	By map[string]From
}

// Settings are what is set, by whichever way.
type Settings struct {
	Config
	sources map[string]Source // by the paths of the keys; those at their default are left out
	lines   map[string]int    // of the file, by path
	file    string
	keys    []string // those of the API, from everywhere

	jwtSecret string // from a file, "" if there is none
}

// Source returns where the value of a key comes from.
func (s *Settings) Source(path string) Source { return s.sources[path] }

// Load reads the file and puts together what is set. The error is a [Problems] with every mistake that there is.
func (l *Loader) Load() (*Settings, error) {
	var text []byte
	if l.File != "" {
		var err error
		if text, err = readFile(l.File); err != nil {
			return nil, Problems{{File: l.File, Text: err.Error()}}
		}
	}
	return l.load(text)
}

// load is Load for a file that has been read.
func (l *Loader) load(text []byte) (*Settings, error) {
	d, err := parse(l.File, text)
	if err != nil {
		return nil, err
	}
	return l.bind(d)
}

// bind makes settings of a file.
func (l *Loader) bind(d *document) (*Settings, error) {
	s := &Settings{Config: *Default(), sources: make(map[string]Source), lines: d.lines, file: l.File}
	b := &binder{document: d, set: make(map[string]bool)}
	b.table("", d.values, reflect.ValueOf(&s.Config).Elem())
	for path := range b.set {
		s.sources[path] = Source{From: FromFile, File: l.File, Line: d.lines[path]}
	}
	broken := make(map[string]bool) // keys whose values need no further look
	for _, p := range b.problems {
		broken[p.Key] = true
	}
	l.overlay(s)
	checks := &checker{settings: s, broken: broken, problems: b.problems}
	checks.run()
	return s, checks.problems.err()
}

// overlay puts what is given over what the file says.
func (l *Loader) overlay(s *Settings) {
	for _, k := range Keys() {
		if from, given := l.By[k.Path]; given {
			k.in(&s.Config).Set(trimmed(k.in(&l.Given)))
			s.sources[k.Path] = Source{From: from}
		}
	}
}

// trimmed returns a list without the spaces that people put behind a comma, and any other value as it is.
func trimmed(v reflect.Value) reflect.Value {
	list, ok := v.Interface().([]string)
	if !ok {
		return v
	}
	all := make([]string, len(list))
	for i, text := range list {
		all[i] = strings.TrimSpace(text)
	}
	return reflect.ValueOf(all)
}
