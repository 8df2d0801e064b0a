package config

import "fmt"

// From is one of the ways by which a key is set.
type From uint8

// They are in rising precedence.
const (
	FromDefault From = iota
	FromFile
	FromEnvironment
	FromFlag
)

// Source is where a value comes from.
type Source struct {
	From From
	File string // if it is in one
	Line int
}

// describe says it in a few words. k is the key that has the value.
func (s Source) describe(k *Key) string {
	switch s.From {
	case FromFile:
		return fmt.Sprintf("from %s, line %d", s.File, s.Line)
	case FromEnvironment:
		return "from " + k.Env
	case FromFlag:
		return "from --" + k.Flag
	}
	return "the default"
}

// problem makes a problem of what is wrong with the value of a key that has this source.
func (s Source) problem(k *Key, text string) Problem {
	switch s.From {
	case FromEnvironment:
		return Problem{Key: k.Env, Text: text}
	case FromFlag:
		return Problem{Key: "--" + k.Flag, Text: text}
	}
	return Problem{File: s.File, Line: s.Line, Key: k.Path, Text: text}
}
