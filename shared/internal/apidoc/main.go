// Command apidoc writes docs/api: the exported names of the packages that hubs and
// plugin authors use, with their types, without comments. It runs in the module's
// root. A change of these files is a change of the public face.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/hyundai-mqtt/hyundai-plugin/"

func main() {
	for _, dir := range []string{"shared", "sdk", "sdk/sdktest", "host", "host/metrics", "host/mqtt", "host/mqtt/mqtt5"} {
		text, err := listing(dir)
		if err == nil {
			file := filepath.Join("docs", "api", strings.ReplaceAll(dir, "/", "-")+".txt")
			err = os.WriteFile(file, text, 0o644) //nolint:gosec // documents are for everybody
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "apidoc:", err)
			os.Exit(1)
		}
	}
}

// listing of a package, in the order of its documentation.
func listing(dir string) ([]byte, error) {
	fset := token.NewFileSet()
	files, err := parse(fset, dir)
	if err != nil {
		return nil, err
	}
	p, err := doc.NewFromFiles(fset, files, module+dir)
	if err != nil {
		return nil, err
	}

	l := lister{fset: fset}
	fmt.Fprintf(&l.out, "package %s // import %q\n", p.Name, module+dir)
	l.values(p.Consts)
	l.values(p.Vars)
	l.funcs(p.Funcs)
	for _, t := range p.Types {
		l.typ(t)
		if target := aliased(files, t.Decl); target != "" {
			if err := l.follow(target, t.Name); err != nil {
				return nil, err
			}
		}
	}
	return l.out.Bytes(), l.err
}

// parse the package's files, but for its tests and for those of other systems, whose
// exported names are the same.
func parse(fset *token.FileSet, dir string) ([]*ast.File, error) {
	packages, err := parser.ParseDir(fset, dir, func(info fs.FileInfo) bool { //nolint:staticcheck // of one system's files
		name := strings.TrimSuffix(info.Name(), ".go")
		return !strings.HasSuffix(name, "_test") && !strings.HasSuffix(name, "_windows")
	}, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, p := range packages { // there is one
		for _, name := range slices.Sorted(maps.Keys(p.Files)) {
			files = append(files, p.Files[name])
		}
	}
	return files, nil
}

// lister prints declarations.
type lister struct {
	fset *token.FileSet
	out  bytes.Buffer
	err  error
}

func (l *lister) typ(t *doc.Type) {
	l.print(t.Decl)
	l.values(t.Consts)
	l.values(t.Vars)
	l.funcs(t.Funcs)
	l.funcs(t.Methods)
}

func (l *lister) values(values []*doc.Value) {
	for _, v := range values {
		l.print(v.Decl)
	}
}

func (l *lister) funcs(funcs []*doc.Func) {
	for _, f := range funcs {
		f.Decl.Body = nil
		l.print(f.Decl)
	}
}

// follow prints an internal type that the package has an alias of.
func (l *lister) follow(dir, name string) error {
	files, err := parse(l.fset, dir)
	if err != nil {
		return err
	}
	p, err := doc.NewFromFiles(l.fset, files, module+dir)
	if err != nil {
		return err
	}
	for _, t := range p.Types {
		if t.Name == name {
			fmt.Fprintf(&l.out, "\n// in %s:", dir)
			l.typ(t)
		}
	}
	return nil
}

// print writes one declaration without its comments.
func (l *lister) print(decl ast.Decl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.FuncDecl:
			n.Doc = nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})

	var text bytes.Buffer
	if err := (&printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 4}).Fprint(&text, l.fset, decl); err != nil {
		l.err = err
		return
	}
	l.out.WriteByte('\n')
	for line := range strings.Lines(text.String() + "\n") {
		if strings.TrimSpace(line) != "" {
			l.out.WriteString(line)
		}
	}
}

// aliased is the directory of the internal package that a type is an alias of a type
// of; empty if it is none.
func aliased(files []*ast.File, decl *ast.GenDecl) string {
	for _, spec := range decl.Specs {
		t, isType := spec.(*ast.TypeSpec)
		if !isType || !t.Assign.IsValid() {
			continue
		}
		if of, ok := t.Type.(*ast.SelectorExpr); ok {
			if pkg, ok := of.X.(*ast.Ident); ok {
				return internalDir(files, pkg.Name)
			}
		}
	}
	return ""
}

func internalDir(files []*ast.File, name string) string {
	for _, f := range files {
		for _, i := range f.Imports {
			at := strings.Trim(i.Path.Value, `"`)
			if dir, ours := strings.CutPrefix(at, module); ours && path.Base(at) == name && strings.Contains(at, "/internal/") {
				return dir
			}
		}
	}
	return ""
}
