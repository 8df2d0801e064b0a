package config

import (
	"reflect"
	"strings"
)

// Key is one thing that can be set.
type Key struct {
	Path    string // in the file, with the names of its sections: "limits.conns"
	Flag    string // without the dashes; "" if it is for the file only
	Env     string // likewise
	Help    string
	Default string   // as it is typed; "" if it is nothing
	Values  []string // all that it may be, if they are few
	Range   string   // of a number: "0.."
	Secret  bool
	Address bool // a URL, in which there may be a secret
	Live    bool

	field string // of Config, as in Limits.Conns
	index []int
	typ   reflect.Type
	tag   reflect.StructTag
}

// envPrefix begins the names of all variables.
const envPrefix = "MOLVA_"

// Keys returns all keys, those of a section behind each other.
func Keys() []Key { return keysOf(reflect.TypeFor[Config](), "", "", nil) }

func keysOf(t reflect.Type, prefix, goPrefix string, index []int) []Key {
	var keys []Key
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		if isSection(f) {
			keys = append(keys, keysOf(f.Type, prefix+f.Tag.Get("toml")+".", goPrefix+f.Name+".", at)...)
			continue
		}
		keys = append(keys, newKey(f, prefix, goPrefix, at))
	}
	return keys
}

// isSection reports whether a field is a table of keys rather than one key.
func isSection(f reflect.StructField) bool {
	_, embedded := f.Tag.Lookup("embed")
	return embedded
}

func newKey(f reflect.StructField, prefix, goPrefix string, index []int) Key {
	k := Key{
		Path:    prefix + f.Tag.Get("toml"),
		Flag:    f.Tag.Get("name"),
		Default: f.Tag.Get("default"),
		Range:   f.Tag.Get("range"),
		Secret:  f.Tag.Get("secret") == "true",
		Address: f.Tag.Get("secret") == "url",
		Live:    f.Tag.Get("live") == "true",
		field:   goPrefix + f.Name,
		index:   index,
		typ:     f.Type,
		tag:     f.Tag,
	}
	if k.Flag != "" {
		k.Env = envPrefix + strings.ToUpper(strings.ReplaceAll(k.Flag, "-", "_"))
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		k.Values = strings.Split(enum, ",")
	}
	k.Help = strings.NewReplacer("${default}", k.Default, "${enum}", strings.Join(k.Values, ", ")).Replace(f.Tag.Get("help"))
	return k
}

// in returns the key's value in c, which can be set.
func (k *Key) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// table splits the path into the section, "" for none, and the name in it.
func (k *Key) table() (section, name string) {
	if i := strings.LastIndexByte(k.Path, '.'); i >= 0 {
		return k.Path[:i], k.Path[i+1:]
	}
	return "", k.Path
}
