package keyring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestOnlyWholeKeysOpen(t *testing.T) {
	ring := New([]string{"0123456789abcdef", "", "fedcba9876543210"})
	for key, want := range map[string]bool{
		"0123456789abcdef": true, "fedcba9876543210": true,
		"": false, "0": false, "0123456789abcde": false, "0123456789abcdef0": false, "0123456789abcdeF": false,
	} {
		if ring.Opens(key) != want {
			t.Errorf("%q opens: %t", key, !want)
		}
	}
}

// TestKeysAreComparedInConstantTime looks at the code: what a clock tells of nanoseconds would hold on a quiet machine
// only. The comparison must be that of crypto/subtle, with every key, and nothing may end it early.
func TestKeysAreComparedInConstantTime(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "keyring.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Name.Name == "Opens"
	})
	if i < 0 {
		t.Fatal("there is no method Opens")
	}
	constant := false
	ast.Inspect(file.Decls[i], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			ast.Inspect(n.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ReturnStmt, *ast.BranchStmt, *ast.IfStmt, *ast.BinaryExpr:
					t.Errorf("%T among the comparisons", n)
				case *ast.SelectorExpr:
					constant = constant || n.Sel.Name == "ConstantTimeCompare"
				}
				return true
			})
			return false
		}
		return true
	})
	if !constant {
		t.Error("the keys are not compared by subtle.ConstantTimeCompare")
	}
}
