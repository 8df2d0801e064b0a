package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTheDocumentsListEveryErrorCode compares the tables of errors with the constants: those that applications are told,
// and those that are given to clients anywhere in the gateway.
func TestTheDocumentsListEveryErrorCode(t *testing.T) {
	toApplications, toClients := errorCodes(t)
	wantsSame(t, "docs/api.md", documented(t, "../docs/api.md", "\n## Errors\n"), toApplications)
	wantsSame(t, "docs/protocol.md", documented(t, "../docs/protocol.md", "\n### Errors\n"), toClients)
	types, err := os.ReadFile("../js/molva.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range toClients {
		if !strings.Contains(string(types), `| "`+code+`"`) {
			t.Errorf("js/molva.d.ts does not know %s", code)
		}
	}
}

func wantsSame(t *testing.T, document string, listed, used []string) {
	t.Helper()
	if slices.Sort(listed); !slices.Equal(listed, used) {
		t.Errorf("%s lists the errors %v; there are %v", document, listed, used)
	}
}

var firstCell = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")

// documented returns what stands in the first column of the table below a heading.
func documented(t *testing.T, file, heading string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, below, _ := strings.Cut(string(text), heading)
	below, _, _ = strings.Cut(below, "\n#")
	_, below, _ = strings.Cut(below, "|---|") // the head of the table
	for _, row := range firstCell.FindAllStringSubmatch(below, -1) {
		names = append(names, row[1])
	}
	return names
}

// errorCodes reads from the source the codes that applications are told, which stand in the first group of constants,
// and those that are given to a ClientError.
func errorCodes(t *testing.T) (toApplications, toClients []string) {
	t.Helper()
	groups := constants(t, "api/errorcode.go")
	values := make(map[string]string)
	for _, group := range groups {
		for name, value := range group {
			values[name] = value
		}
	}
	for _, value := range groups[0] {
		toApplications = append(toApplications, value)
	}
	for _, name := range givenToClients(t) {
		toClients = append(toClients, values[name])
	}
	slices.Sort(toApplications)
	slices.Sort(toClients)
	return toApplications, slices.Compact(toClients)
}

// constants returns the groups of constants in a file, each from name to value.
func constants(t *testing.T, file string) (groups []map[string]string) {
	t.Helper()
	for _, d := range parsed(t, file).Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
			group := make(map[string]string)
			for _, spec := range d.Specs {
				one := spec.(*ast.ValueSpec)
				value, err := strconv.Unquote(one.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				group[one.Names[0].Name] = value
			}
			groups = append(groups, group)
		}
	}
	return groups
}

// givenToClients returns the names of the codes in all literals of ClientError, and of those that a method named code
// puts in the place of none.
func givenToClients(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			ast.Inspect(parsed(t, path), func(n ast.Node) bool {
				if isClientError(n) {
					names = append(names, codesIn(n)...)
				}
				return true
			})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func isClientError(n ast.Node) bool {
	literal, ok := n.(*ast.CompositeLit)
	if !ok {
		return false
	}
	switch kind := literal.Type.(type) {
	case *ast.Ident:
		return kind.Name == "ClientError"
	case *ast.SelectorExpr:
		return kind.Sel.Name == "ClientError"
	}
	return false
}

// codesIn returns the names of api's that begin with Err.
func codesIn(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if name, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(name.Sel.Name, "Err") {
			names = append(names, name.Sel.Name)
		}
		return true
	})
	return names
}

func parsed(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
