package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// document is a TOML file that has been read.
type document struct {
	file   string
	values map[string]any
	lines  map[string]int // where each key and table stands, by its path, as in rooms[0].join
}

// parse reads a file. The error is a [Problems].
func parse(file string, text []byte) (*document, error) {
	d := &document{file: file, lines: make(map[string]int)}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // which some editors put there
	if err := toml.Unmarshal(text, &d.values); err != nil {
		return nil, Problems{syntaxProblem(file, err)}
	}
	d.locate(text)
	return d, nil
}

// syntaxProblem says where a file is no TOML.
func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file, Text: strings.TrimPrefix(err.Error(), "toml: ") + "; nothing behind it was read"}
	var where *toml.DecodeError
	if errors.As(err, &where) {
		p.Line, _ = where.Position()
		p.Key = strings.Join(where.Key(), ".")
	}
	return p
}

// locate finds out on which lines the keys stand.
func (d *document) locate(text []byte) {
	l := locator{document: d, tables: make(map[string]int)}
	l.parser.Reset(text)
	for l.parser.NextExpression() {
		switch e := l.parser.Expression(); e.Kind {
		case unstable.Table:
			l.section = l.note("", e.Key())
		case unstable.ArrayTable:
			path, line := l.resolve("", e.Key())
			l.section = fmt.Sprintf("%s[%d]", path, l.tables[path])
			l.tables[path]++
			d.lines[l.section] = line
			d.first(path, line)
		case unstable.KeyValue:
			l.keyValue(l.section, e)
		}
	}
}

// first notes the line of a path unless there was one before.
func (d *document) first(path string, line int) {
	if _, known := d.lines[path]; !known {
		d.lines[path] = line
	}
}

// locator goes through a file.
type locator struct {
	*document
	parser  unstable.Parser
	section string         // that it is in
	tables  map[string]int // how many tables each array of tables has by now
}

// keyValue notes a key, and those in its value.
func (l *locator) keyValue(section string, e *unstable.Node) {
	path := l.note(section, e.Key())
	switch v := e.Value(); v.Kind {
	case unstable.InlineTable:
		l.inline(path, v)
	case unstable.Array:
		i := 0
		for c := v.Children(); c.Next(); i++ {
			if n := c.Node(); n.Kind == unstable.InlineTable {
				l.inline(fmt.Sprintf("%s[%d]", path, i), n)
			}
		}
	}
}

func (l *locator) inline(path string, table *unstable.Node) {
	l.first(path, l.lines[arrayOf(path)])
	for c := table.Children(); c.Next(); {
		if n := c.Node(); n.Kind == unstable.KeyValue {
			l.keyValue(path, n)
		}
	}
}

// arrayOf returns the path of the array that an element is in.
func arrayOf(path string) string {
	array, _, _ := strings.Cut(path, "[")
	return array
}

// note notes where a key stands, and returns its path.
func (l *locator) note(section string, key unstable.Iterator) string {
	path, line := l.resolve(section, key)
	l.first(path, line)
	return path
}

// resolve returns the path of a key, and its line. On the way it enters the last table of each array of tables.
func (l *locator) resolve(section string, key unstable.Iterator) (path string, line int) {
	path = section
	for key.Next() {
		if n := l.tables[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
		n := key.Node()
		path = join(path, string(n.Data))
		line = l.parser.Shape(n.Raw).Start.Line
		if !key.IsLast() {
			l.first(path, line)
		}
	}
	return path, line
}

// join puts a name behind the path of the table that it is in.
func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
