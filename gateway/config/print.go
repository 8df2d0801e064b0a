package config

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// masked stands for what is not to be shown. It is no good key, so that nobody takes it for one.
const masked = "********"

// Print writes the settings as a file that could be read again, but for its secrets, which are masked. Above each key
// stands what it is, how else it can be set, and where its value comes from.
func (s *Settings) Print(w io.Writer) error {
	var b strings.Builder
	section := ""
	for _, k := range Keys() {
		if in, _ := k.table(); in != section {
			section = in
			fmt.Fprintf(&b, "[%s]\n\n", section)
		}
		s.printKey(&b, &k)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Settings) printKey(b *strings.Builder, k *Key) {
	for line := range strings.Lines(wrapped(k.Help, 100)) {
		b.WriteString("# " + line)
	}
	also := ""
	if k.Flag != "" {
		also = "--" + k.Flag + ", " + k.Env + "; "
	}
	fmt.Fprintf(b, "\n# %shere %s\n", also, s.sources[k.Path].describe(k))
	_, name := k.table()
	fmt.Fprintf(b, "%s = %s\n\n", name, show(k, k.in(&s.Config)))
}

// show returns a value as it stands in a file.
func show(k *Key, v reflect.Value) string {
	switch {
	case k.Secret:
		v = mask(v)
	case k.Address:
		v = reflect.ValueOf(maskAddress(v.String()))
	}
	return literal(v)
}

// maskAddress returns a URL with that masked in which there may be a secret: a name with a password, and the query.
func maskAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return masked
	}
	who := u.User
	if u.User = nil; u.RawQuery != "" {
		u.RawQuery = masked
	}
	if who == nil {
		return u.String()
	}
	return strings.Replace(u.String(), "//", "//"+masked+"@", 1)
}

// mask returns a value in which each string that is not empty is masked.
func mask(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.String {
		if v.String() == "" {
			return v
		}
		return reflect.ValueOf(masked)
	}
	list := make([]string, v.Len())
	for i := range list {
		list[i] = masked
	}
	return reflect.ValueOf(list)
}

// literal returns a value in TOML.
func literal(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case slog.Level:
		return quote(strings.ToLower(value.String()))
	case encoding.TextMarshaler:
		text, _ := value.MarshalText()
		return quote(string(text))
	case time.Duration:
		return quote(value.String())
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case string:
		return quote(value)
	case []Room:
		return rooms(value)
	case []string:
		all := make([]string, len(value))
		for i, s := range value {
			all[i] = quote(s)
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}

// rooms returns rules in TOML, one a line.
func rooms(list []Room) string {
	if len(list) == 0 {
		return "[]"
	}
	var b strings.Builder
	for _, r := range list {
		b.WriteString("  " + r.String() + ",\n")
	}
	return "[\n" + b.String() + "]"
}

// quote returns a string in TOML.
func quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return `"` + s + `"`
	}
	text, err := toml.Marshal(map[string]string{"s": s})
	if err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(text), "s = "), "\n")
}

// wrapped breaks a text into lines of at most so many characters.
func wrapped(text string, width int) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case length+1+len(word) > width:
			b.WriteByte('\n')
			length = 0
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
