package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

// ranByGo matches where go run puts the program: in its cache, or in a temporary folder.
var ranByGo = regexp.MustCompile(`[/\\](go-build[0-9]*[/\\]b[0-9]+[/\\]exe|[0-9a-f]{64}-d)[/\\][^/\\]+$`)

// invocation returns how this program was started, so that it can tell what to type next.
func invocation() string {
	if len(os.Args) == 0 {
		return "molva"
	}
	typed := os.Args[0]
	if ranByGo.MatchString(typed) {
		return "go run " + mainPackage()
	}
	if !strings.ContainsAny(typed, `/\`) {
		return typed // found on the path
	}
	name := filepath.Base(typed)
	if found, err := exec.LookPath(name); err == nil && sameFile(found, typed) {
		return name
	}
	return shellQuoted(typed)
}

// mainPackage returns what go run was given: the folder from where one stands, or else the package.
func mainPackage() string {
	const folder = "./cmd/molva"
	if _, err := os.Stat(filepath.Join(folder, "serve.go")); err == nil {
		return folder
	}
	if _, err := os.Stat("serve.go"); err == nil {
		return "."
	}
	version := "latest"
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		version = info.Main.Version
	}
	return "github.com/molva-ws/molva/cmd/molva@" + version
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// plainWord matches what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./\\-]+$`)

// shellQuoted returns a word as it has to be typed.
func shellQuoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
