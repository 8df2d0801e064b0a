package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference returns all keys as tables in Markdown, one for each section.
func Reference() string {
	var b strings.Builder
	section := "\x00"
	for _, k := range Keys() {
		in, name := k.table()
		if in != section {
			section = in
			b.WriteString(heading(section))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |%s\n", name, k.shownDefault(), k.shownFlag(), cell(k.Help), k.mark())
	}
	b.WriteString("\n### [[rooms]]\n\n| key | |\n|---|---|\n")
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Room]()) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Tag.Get("toml"), cell(f.Tag.Get("help")))
	}
	return b.String()
}

func heading(section string) string {
	title := "### At the top, before the first section"
	if section != "" {
		title = "### [" + section + "]"
	}
	return "\n" + title + "\n\n| key | default | flag | | |\n|---|---|---|---|---|\n"
}

func (k *Key) shownDefault() string {
	if isTables(k.typ) {
		return ""
	}
	return "`" + literal(k.in(Default())) + "`"
}

func (k *Key) shownFlag() string {
	if k.Flag == "" {
		return ""
	}
	return "`--" + k.Flag + "`"
}

// mark tells what takes effect without a restart.
func (k *Key) mark() string {
	if k.Live {
		return " live |"
	}
	return " |"
}

// cell returns a text as it has to stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
