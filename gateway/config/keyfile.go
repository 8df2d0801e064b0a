package config

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxKeyFile bounds what is read of a file with keys. That may be anything, by mistake.
const maxKeyFile = 64 << 10

// readKeys reads a file with a key on each line. Empty lines and those that begin with # are skipped.
func readKeys(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s %s", file, readProblem(err))
	}
	defer f.Close()
	var keys []string
	lines := bufio.NewScanner(io.LimitReader(f, maxKeyFile))
	for n := 1; lines.Scan(); n++ {
		key := strings.TrimSpace(lines.Text())
		if key == "" || key[0] == '#' {
			continue
		}
		if !goodKey(key) {
			return nil, fmt.Errorf("line %d of %s is no key: that has at least %d letters, digits and signs", n, file, minKey)
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s %s", file, readProblem(err))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key; openssl rand -hex 16 makes one", file)
	}
	return keys, nil
}
