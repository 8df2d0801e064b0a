package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/molva-ws/molva/internal/nearest"
)

const (
	// commandBytes bounds a command in JSON: a line of the local socket, the body of a request, one of a batch.
	commandBytes = 1 << 20
	// shownBytes is how much of an unknown name an error repeats.
	shownBytes = 64
)

// refused is the answer to a command that was not understood.
func refused(code ErrorCode, format string, args ...any) *Answer {
	return &Answer{Error: code, Message: fmt.Sprintf(format, args...)}
}

// decodeLine reads a command that says itself which it is. It is nil or the answer to what is wrong. The command refers
// to p until it is carried out.
func decodeLine(p []byte, c *Command) *Answer {
	*c = Command{}
	if err := checkJSON(p); err != nil {
		return refused(ErrBadJSON, "this is not a JSON object: %v", err)
	}
	return decodeObject(p, "", c)
}

// decodeObject is decodeLine for correct JSON, and for a command that is known already if name is not empty.
func decodeObject(p []byte, name string, c *Command) *Answer {
	if kindOf(p) != '{' {
		return refused(ErrBadJSON, "this is not a JSON object but %s", typeName(p))
	}
	d := decoding{command: c}
	for name, value := range members(p) {
		d.member(name, value)
	}
	if name != "" {
		if d.given&fieldCommand != 0 {
			d.fail(`"command" is said by the path already`)
		}
		c.Command = name
	}
	return d.done()
}

// decoding is a command that is being put together. It goes on after an error, so that the answer can have the id.
type decoding struct {
	command *Command
	given   field
	unknown string // the first name that no field has
	failed  string
}

func (d *decoding) fail(format string, args ...any) {
	if d.failed == "" {
		d.failed = fmt.Sprintf(format, args...)
	}
}

func (d *decoding) member(name, value []byte) {
	f := fieldNamed(name)
	switch {
	case f == 0 && d.unknown == "":
		d.unknown = strconv.Quote(shown(name))
	case f == 0:
	case d.given&f != 0:
		d.fail("%q is there twice", name)
	default:
		d.given |= f
		if err := d.command.set(f, value); err != nil {
			d.fail("%v", err)
		}
	}
}

// done returns nil if the command is one and has nothing but its fields.
func (d *decoding) done() *Answer {
	command := d.command.Command
	if command == "" && d.given&fieldCommand == 0 {
		command = "send"
	}
	takes, known := commandFields[command]
	var a *Answer
	switch {
	case !known && command != "":
		a = unknownCommand(command)
	case d.unknown != "":
		name, _ := strconv.Unquote(d.unknown)
		a = refused(ErrBadField, "there is no field %s%s", d.unknown, nearest.Suggest(name, (takes|fieldID).names()))
	case d.failed != "":
		a = refused(ErrBadField, "%s", d.failed)
	default:
		if odd := d.given &^ (takes | fieldID | fieldCommand); odd != 0 {
			a = refused(ErrBadField, "%q does not belong to %s", odd.names()[0], command)
		}
	}
	if a != nil {
		a.Request = d.command.ID
	}
	return a
}

func unknownCommand(name string) *Answer {
	name = shown([]byte(name))
	known := slices.Sorted(maps.Keys(commandFields))
	return refused(ErrBadCommand, "there is no command %q%s", name, nearest.Suggest(name, known))
}

func shown(name []byte) string {
	if len(name) > shownBytes {
		return string(bytes.ToValidUTF8(name[:shownBytes], nil)) + "…"
	}
	return string(name)
}

// decodeQuery reads the command called name from the query of a request, where every field is a string.
func decodeQuery(query map[string][]string, name string, c *Command) *Answer {
	*c = Command{Command: name}
	d := decoding{command: c}
	for _, key := range slices.Sorted(maps.Keys(query)) {
		f := fieldNamed([]byte(key))
		if f == fieldCommand {
			d.fail(`"command" is said by the path already`)
			continue
		}
		for _, value := range query[key] {
			if !utf8.ValidString(value) {
				d.fail("%q is not UTF-8", key)
				continue
			}
			d.member([]byte(key), queryValue(f, value))
		}
	}
	return d.done()
}

// queryValue returns the value of a field as it would stand in JSON. What is none then, as in limit=many, is taken for
// a string there.
func queryValue(f field, value string) []byte {
	if !f.inQuotes() && checkJSON([]byte(value)) == nil {
		return []byte(value)
	}
	quoted, _ := json.Marshal(value) // strings always can be encoded
	return quoted
}
