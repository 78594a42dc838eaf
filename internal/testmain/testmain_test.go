package testmain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every package that starts goroutines looks for those that its tests leave.
func TestPackagesThatStartGoroutinesLookForLeaks(t *testing.T) {
	t.Parallel()
	starts, looks := map[string]bool{}, map[string]bool{}
	for _, root := range []string{"../../pkg", "../../cmd", "../../internal"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			dir := filepath.Dir(path)
			if strings.HasSuffix(path, "_test.go") {
				looks[dir] = looks[dir] || strings.Contains(string(text), "testmain.Run(") || strings.Contains(string(text), "goleak.Find(") ||
					strings.Contains(string(text), "goleak.VerifyTestMain(")
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					starts[dir] = true
				case *ast.CallExpr: // (*sync.WaitGroup).Go, (*errgroup.Group).Go
					if method, is := n.Fun.(*ast.SelectorExpr); is && method.Sel.Name == "Go" {
						starts[dir] = true
					}
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
	require.Greater(t, len(starts), 10, "they are found")
	for dir := range starts {
		tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		if len(tests) == 0 && slices.Contains([]string{"browsertest"}, filepath.Base(dir)) {
			continue // used by tests of packages that look
		}
		require.True(t, looks[dir], "%s starts goroutines: have its TestMain call testmain.Run", dir)
	}
}
