package command

import (
	"maps"
	"slices"
)

// field is a field of a command; the sum of several is a set of them.
type field uint16

const (
	fieldCommand field = 1 << iota
	fieldID
	fieldUser
	fieldRoom
	fieldAll
	fieldSubject
	fieldMessage
	fieldKey
	fieldConn
	fieldCode
	fieldReason
	fieldLimit
	fieldAfter
)

// fieldNames are in the order of the fields.
var fieldNames = []string{"command", "id", "user", "room", "all", "subject", "message", "key", "conn", "code", "reason", "limit",
	"after"}

// String returns the name of a field.
func (f field) String() string {
	for i, name := range fieldNames {
		if f == 1<<i {
			return name
		}
	}
	return ""
}

// names returns those of all fields in the set.
func (f field) names() []string {
	var names []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// fieldNamed returns 0 if there is none.
func fieldNamed(name []byte) field {
	for i, known := range fieldNames {
		if string(name) == known {
			return 1 << i
		}
	}
	return 0
}

// takes are the commands and what each takes, beside "command" and "id".
var takes = map[string]field{
	"send":       fieldUser | fieldRoom | fieldAll | fieldSubject | fieldMessage | fieldKey,
	"online":     fieldUser,
	"conns":      fieldUser | fieldRoom | fieldLimit | fieldAfter,
	"rooms":      fieldLimit | fieldAfter,
	"users":      fieldRoom | fieldLimit | fieldAfter,
	"disconnect": fieldUser | fieldConn | fieldCode | fieldReason,
	"join":       fieldUser | fieldConn | fieldRoom,
	"leave":      fieldUser | fieldConn | fieldRoom,
	"stats":      0,
	"ping":       0,
	"reload":     0,
}

// Exists reports whether there is a command of a name.
func Exists(name string) bool {
	_, ok := takes[name]
	return ok
}

// Names returns those of all commands, in order.
func Names() []string { return slices.Sorted(maps.Keys(takes)) }

// OnlyLooks reports whether a command changes nothing, so that it may be asked for with GET.
func OnlyLooks(name string) bool {
	switch name {
	case "send", "disconnect", "join", "leave", "reload":
		return false
	}
	return true
}
