package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// comments are what the source says about types, by "package.Type".
type comments struct {
	// fields by their names in Go.
	fields map[string]map[string]string
	// words are the values of constants, in their order.
	words map[string][]any
}

// readComments reads the packages in directories.
func readComments(dirs ...string) (comments, error) {
	c := comments{fields: map[string]map[string]string{}, words: map[string][]any{}}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return c, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return c, err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return c, fmt.Errorf("%s: %w", file, err)
			}
			c.read(parsed)
		}
	}
	return c, nil
}

func (c comments) read(file *ast.File) {
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if s, ok := spec.Type.(*ast.StructType); ok {
					c.fields[file.Name.Name+"."+spec.Name.Name] = fieldComments(s)
				}
			case *ast.ValueSpec:
				c.readWords(file.Name.Name, spec)
			}
		}
	}
}

func fieldComments(s *ast.StructType) map[string]string {
	all := map[string]string{}
	for _, field := range s.Fields.List {
		for _, name := range field.Names {
			if text := field.Doc.Text(); text != "" {
				all[name.Name] = strings.Join(strings.Fields(text), " ")
			}
		}
	}
	return all
}

// readWords takes in constants that are texts with a type.
func (c comments) readWords(pkg string, spec *ast.ValueSpec) {
	name, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range spec.Values {
		literal, ok := value.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(literal.Value); err == nil {
			c.words[pkg+"."+name.Name] = append(c.words[pkg+"."+name.Name], text)
		}
	}
}
