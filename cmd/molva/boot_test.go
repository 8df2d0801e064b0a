//go:build boot

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bootRoot names a folder with a Debian, which root makes in a minute by
//
//	mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,curl,php-cli bookworm FOLDER
const bootRoot = "MOLVA_BOOT_ROOT"

// TestTheUnitsOnASystemThatBoots boots a Debian, installs molva as docs/deploy.md says, and tries everything that the
// page promises about the service.
func TestTheUnitsOnASystemThatBoots(t *testing.T) {
	root := os.Getenv(bootRoot)
	if root == "" {
		t.Fatalf("%s has to name a folder with a Debian", bootRoot)
	}
	srv := t.TempDir()
	for name, text := range map[string]string{
		"install.sh":     strings.Join(installLines(t), "\n") + "\n",
		"app/whoami.php": `<?php header('Content-Type: application/json'); echo '{"user":"42"}';`,
	} {
		path := filepath.Join(srv, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // the application is not root
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"../../deploy": "deploy", "testdata/boot": "."} {
		if err := os.CopyFS(filepath.Join(srv, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	static := filepath.Join(t.TempDir(), "molva")
	build := exec.Command("go", "build", "-trimpath", "-o", static, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	boot := exec.CommandContext(ctx, "unshare", "--mount", "--cgroup", "--propagation", "private",
		"sh", "testdata/boot/nspawn.sh", root, srv, static)
	boot.Cancel = func() error { return boot.Process.Signal(os.Interrupt) }
	boot.WaitDelay = 10 * time.Second
	out, err := boot.CombinedOutput()
	log, _ := os.ReadFile(filepath.Join(srv, "log"))
	if err != nil || !strings.HasSuffix(string(log), "as it should be\n") {
		t.Fatalf("%v: %s\n%s", err, out, log)
	}
	t.Log(regexp.MustCompile(`Overall exposure level.*`).FindString(string(log)))
}

// installLines returns what docs/deploy.md has one type to install molva as a service.
func installLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)## As a service\n\n```\n(.*?)\n```").FindSubmatch(text)
	if block == nil {
		t.Fatal("it does not say how")
	}
	return strings.Split(string(block[1]), "\n")
}
