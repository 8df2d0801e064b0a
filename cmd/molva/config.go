package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/molva-ws/molva/gateway/config"
)

// configCmd is molva config.
type configCmd struct {
	Print configPrintCmd `cmd:"" default:"withargs" help:"Print the settings that hold, as a file. It is what happens without a command."`
	Check configCheckCmd `cmd:"" help:"Look for mistakes in a file, and name all of them."`
}

// configPrintCmd is molva config print.
type configPrintCmd struct {
	settings
}

// Help is shown by --help.
func (c *configPrintCmd) Help() string {
	return `It takes the flags, the environment and the file of molva serve, and prints what holds: each key with what it is
and where its value comes from. Secrets are masked. To begin a file of your own:

  molva config > molva.toml`
}

// Run prints.
func (c *configPrintCmd) Run(k *kong.Context, s streams) error {
	loaded, err := loadSettings(c.loader(k))
	if err != nil {
		return err
	}
	return loaded.Print(s.out)
}

// configCheckCmd is molva config check.
type configCheckCmd struct {
	settings
	Files []string `arg:"" optional:"" name:"file" help:"The file, if not --config; several are checked each by itself."`
}

// Help is shown by --help.
func (c *configCheckCmd) Help() string {
	return `It prints each mistake on a line, as FILE:LINE: KEY: what is wrong, and exits with 1 if there are any. Flags and the
environment count as with molva serve: give those that the server has, such as a secret, and see what it would say.`
}

// Run checks.
func (c *configCheckCmd) Run(k *kong.Context, s streams) error {
	if len(c.Files) == 0 && c.File != "" {
		c.Files = []string{c.File}
	}
	if len(c.Files) == 0 {
		return usage("no file is given: molva config check FILE, or MOLVA_CONFIG in the environment")
	}
	failed := false
	loader := c.loader(k)
	for _, loader.File = range c.Files {
		_, err := loader.Load()
		var wrong config.Problems
		switch {
		case err == nil:
			fmt.Fprintln(s.out, loader.File+": no mistakes")
		case errors.As(err, &wrong):
			failed = true
			fmt.Fprintln(s.out, wrong)
		default:
			return err
		}
	}
	if failed {
		return &exitError{code: exitFailed}
	}
	return nil
}
