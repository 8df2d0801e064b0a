package command

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/nearest"
	"github.com/molva-ws/molva/internal/rawjson"
)

const (
	// MaxBytes bounds a command in JSON: a line of the local socket, the body of a request, one of a batch.
	MaxBytes = 1 << 20
	// shownBytes is how much of an unknown name an error repeats.
	shownBytes = 64
)

// Decode reads a command that says itself which it is. It is nil or the answer to what is wrong. The command refers
// to p until it is carried out.
func Decode(p []byte, c *api.Command) *api.Answer {
	*c = api.Command{}
	if err := rawjson.Check(p); err != nil {
		return api.Refusedf(api.ErrBadJSON, "this is not a JSON object: %v", err)
	}
	return DecodeObject(p, "", c)
}

// DecodeObject is Decode for correct JSON, and for a command that is known already if name is not empty.
func DecodeObject(p []byte, name string, c *api.Command) *api.Answer {
	if rawjson.Kind(p) != '{' {
		return api.Refusedf(api.ErrBadJSON, "this is not a JSON object but %s", rawjson.TypeName(p))
	}
	d := decoding{command: c}
	for name, value := range rawjson.Members(p) {
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
	command *api.Command
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
		d.unknown = strconv.Quote(Shown(name))
	case f == 0:
	case d.given&f != 0:
		d.fail("%q is there twice", name)
	default:
		d.given |= f
		if err := set(d.command, f, value); err != nil {
			d.fail("%v", err)
		}
	}
}

// done returns nil if the command is one and has nothing but its fields.
func (d *decoding) done() *api.Answer {
	command := d.command.Command
	if command == "" && d.given&fieldCommand == 0 {
		command = "send"
	}
	fields, known := takes[command]
	var a *api.Answer
	switch {
	case !known && command != "":
		a = unknownCommand(command)
	case d.unknown != "":
		name, _ := strconv.Unquote(d.unknown)
		a = api.Refusedf(api.ErrBadField, "there is no field %s%s", d.unknown, nearest.Suggest(name, (fields|fieldID).names()))
	case d.failed != "":
		a = api.Refusedf(api.ErrBadField, "%s", d.failed)
	default:
		if odd := d.given &^ (fields | fieldID | fieldCommand); odd != 0 {
			a = api.Refusedf(api.ErrBadField, "%q does not belong to %s", odd.names()[0], command)
		}
	}
	if a != nil {
		a.Request = d.command.ID
	}
	return a
}

func unknownCommand(name string) *api.Answer {
	name = Shown([]byte(name))
	known := Names()
	return api.Refusedf(api.ErrBadCommand, "there is no command %q%s", name, nearest.Suggest(name, known))
}

// Shown returns an unknown name, cut if it is long.
func Shown(name []byte) string {
	if len(name) > shownBytes {
		return string(bytes.ToValidUTF8(name[:shownBytes], nil)) + "…"
	}
	return string(name)
}
