package js

import (
	"bytes"
	"os"
	"testing"
)

// TestThePackageBringsItsLicence looks for the file that npm packs from this folder, and from no other.
func TestThePackageBringsItsLicence(t *testing.T) {
	packed, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := os.ReadFile("../LICENSE"); err != nil || !bytes.Equal(packed, whole) {
		t.Errorf("it is another one than the repository's: %v", err)
	}
}
