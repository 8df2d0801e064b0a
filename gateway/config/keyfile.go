package config

import (
	"fmt"
	"strings"
)

// readKeys reads a file with a key on each line. Empty lines and those that begin with # are skipped.
func readKeys(file string) ([]string, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	var keys []string
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		key := strings.TrimSpace(line)
		if key == "" || key[0] == '#' {
			continue
		}
		if !goodKey(key) {
			return nil, fmt.Errorf("line %d of %s is no key: that has at least %d letters, digits and signs", n, file, minKey)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key; openssl rand -hex 16 makes one", file)
	}
	return keys, nil
}
