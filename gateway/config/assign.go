package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// assign puts a value of a file into a field, or says in a few words why not.
func assign(into reflect.Value, value any) string {
	if text, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return assignText(text, value)
	}
	if into.Type() == reflect.TypeFor[time.Duration]() {
		return assignDuration(into, value)
	}
	switch into.Kind() {
	case reflect.String:
		if s, ok := value.(string); ok {
			into.SetString(s)
			return ""
		}
		return wants("a string in quotes", value)
	case reflect.Bool:
		if v, ok := value.(bool); ok {
			into.SetBool(v)
			return ""
		}
		return wants("true or false", value)
	case reflect.Int, reflect.Int64:
		if n, ok := value.(int64); ok && !into.OverflowInt(n) {
			into.SetInt(n)
			return ""
		}
		return wants("a whole number", value)
	case reflect.Float64:
		return assignFloat(into, value)
	case reflect.Slice:
		return assignList(into, value)
	}
	return wants("another kind of value", value)
}

func assignText(into encoding.TextUnmarshaler, value any) string {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return wants("a string in quotes", value)
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

func assignDuration(into reflect.Value, value any) string {
	const want = `a time with its unit, such as "500ms", "10s" or "5m"`
	text, ok := value.(string)
	if !ok {
		return wants(want, value)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Sprintf("wants %s, not %q", want, text)
	}
	into.SetInt(int64(d))
	return ""
}

func assignFloat(into reflect.Value, value any) string {
	switch v := value.(type) {
	case int64:
		into.SetFloat(float64(v))
		return ""
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			into.SetFloat(v)
			return ""
		}
	}
	return wants("a number", value)
}

func assignList(into reflect.Value, value any) string {
	list, ok := value.([]any)
	if !ok {
		if isTables(into.Type()) {
			return wants("a list of tables", value)
		}
		return wants(`a list, such as ["a", "b"]`, value)
	}
	into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
	for i, v := range list {
		if text := assign(into.Index(i), v); text != "" {
			return "element " + strconv.Itoa(i+1) + " " + text
		}
	}
	return ""
}

// wants says what a value should be, and what it is.
func wants(what string, value any) string { return "wants " + what + ", not " + kindOf(value) }

func kindOf(value any) string {
	switch v := value.(type) {
	case string:
		return "a string" // which may be a secret
	case bool:
		return "true or false"
	case int64:
		return "the number " + strconv.FormatInt(v, 10)
	case float64:
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or a time"
}

// isTables reports whether a field is a list of tables.
func isTables(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// tables returns a value that is a list of tables.
func tables(value any) ([]map[string]any, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	all := make([]map[string]any, len(list))
	for i, v := range list {
		if all[i], ok = v.(map[string]any); !ok {
			return nil, false
		}
	}
	return all, true
}

// element returns the path of an element of a list.
func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
