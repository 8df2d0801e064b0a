package command

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/rawjson"
)

// DecodeQuery reads the command called name from the query of a request, where every field is a string.
func DecodeQuery(query map[string][]string, name string, c *api.Command) *api.Answer {
	*c = api.Command{Command: name}
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
	if !f.inQuotes() && rawjson.Check([]byte(value)) == nil {
		return []byte(value)
	}
	quoted, _ := json.Marshal(value) // strings always can be encoded
	return quoted
}
