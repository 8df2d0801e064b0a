package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds what is read of a file with settings, secrets or certificates. By mistake that may be anything, such as
// a device that has no end.
const maxFile = 1 << 20

// readFile reads a file. The error says why it cannot be, without its name.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, readProblem(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, readProblem(err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("is larger than %d KiB, which is too much for what has to be in it", maxFile>>10)
	}
	return text, nil
}

func readProblem(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}
