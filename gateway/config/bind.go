package config

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/molva-ws/molva/internal/nearest"
)

// binder puts the values of a file into a Config, and gathers what is wrong with them.
type binder struct {
	*document
	problems Problems
	set      map[string]bool // paths of the keys that were
}

func (b *binder) problem(path, text string) {
	b.problems = append(b.problems, Problem{File: b.file, Line: b.lines[path], Key: path, Text: text})
}

// table puts a table of the file into a struct.
func (b *binder) table(path string, values map[string]any, into reflect.Value) {
	fields := fieldsOf(into.Type())
	for _, name := range b.inOrder(path, values) {
		at := join(path, name)
		f, known := fields[name]
		if !known {
			b.problem(at, b.unknown(path, name, fields))
			continue
		}
		target := into.FieldByIndex(f.Index)
		if !isSection(f) {
			b.key(at, values[name], target, f.Tag)
			continue
		}
		if section, ok := values[name].(map[string]any); ok {
			b.table(at, section, target)
		} else {
			b.problem(at, "is a section: write ["+at+"] on a line of its own, and its keys below")
		}
	}
}

// key puts a value into a field.
func (b *binder) key(path string, value any, into reflect.Value, tag reflect.StructTag) {
	if list, ok := tables(value); ok && isTables(into.Type()) {
		into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
		for i, values := range list {
			b.table(element(path, i), values, into.Index(i))
		}
		b.set[path] = true
		return
	}
	if text := assign(into, value); text != "" {
		b.problem(path, text)
		return
	}
	b.set[path] = true
	if text := checkTags(into, tag); text != "" {
		b.problem(path, text)
	}
}

// unknown says what might have been meant by a name that is no key.
func (b *binder) unknown(section, name string, fields map[string]reflect.StructField) string {
	names := slices.Sorted(maps.Keys(fields))
	if best := nearest.Find(name, names); best != "" {
		return "there is no such key; did you mean " + best + "?"
	}
	if other := elsewhere(section, name); other != "" {
		return "there is no such key here; did you mean " + other + "?"
	}
	where := "outside of the sections"
	if section != "" {
		where = "in [" + arrayOf(section) + "]"
	}
	return "there is no such key; " + where + " there are " + strings.Join(names, ", ")
}

// elsewhere returns where else the name is one of a key, "" if nowhere.
func elsewhere(section, name string) string {
	for _, k := range Keys() {
		in, its := k.table()
		switch {
		case its != name || in == section:
		case in == "":
			return its + " at the top, before the first section"
		default:
			return its + " in [" + in + "]"
		}
	}
	return ""
}

// inOrder returns the names in a table by the lines on which they stand.
func (b *binder) inOrder(path string, values map[string]any) []string {
	return slices.SortedFunc(maps.Keys(values), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.lines[join(path, x)], b.lines[join(path, y)]), strings.Compare(x, y))
	})
}

// fieldsOf returns the fields of a struct by their names in the file.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField, t.NumField())
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("toml"); name != "" {
			fields[name] = f
		}
	}
	return fields
}
