package identity

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/quietlog"
)

// maxKeyFile is how many bytes a file with keys may have.
const maxKeyFile = 1 << 20

// lookAgain is how long nobody looks whether the file has changed.
const lookAgain = time.Second

// keyFile is a source that follows a file.
type keyFile struct {
	path   string
	log    *quietlog.Log
	counts *counts

	mu     sync.Mutex
	set    keySet
	stamp  stamp // of the file that was read last, well or not
	looked time.Time
}

// stamp tells a file from the one that was there before.
type stamp struct {
	modified time.Time
	size     int64
}

func (c *Chain) newKeyFile(path string) (*keyFile, error) {
	f := &keyFile{path: path, log: &c.faults, counts: &c.counts, looked: time.Now()}
	if err := f.read(); err != nil {
		return f, &OptionError{Option: "JWT.KeyFile", Reason: "cannot be used", Err: err}
	}
	return f, nil
}

// keys reads the file again if it has changed.
func (f *keyFile) keys(string, string) (keySet, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= lookAgain {
		f.looked = now
		if err := f.follow(); err != nil {
			f.counts.keyFailures.Add(1)
			f.log.Say(slog.LevelWarn, "keys cannot be read again; those before stay good", "file", f.path, "error", err)
		}
	}
	return f.set, nil
}

// follow reads the file if it is another one by now.
func (f *keyFile) follow() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.stamp == stampOf(info) {
		return nil
	}
	return f.read()
}

func stampOf(info os.FileInfo) stamp { return stamp{info.ModTime(), info.Size()} }

// read replaces the keys, or leaves them as they are.
func (f *keyFile) read() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return err
	}
	f.stamp = stampOf(info)
	if len(data) > maxKeyFile {
		return fmt.Errorf("%s is larger than %d bytes", f.path, maxKeyFile)
	}
	set, err := parseKeyFile(data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.set = set
	return nil
}

func (f *keyFile) adopt(keySource) {}
func (f *keyFile) close()          {}
