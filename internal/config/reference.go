package config

import (
	_ "embed" // the schema, from whose comments the reference is made
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

//go:embed schema.go
var schemaSource string

//go:embed schema_ari.go
var schemaARISource string

//go:embed schema_ami.go
var schemaAMISource string

//go:embed schema_dialproxy.go
var schemaDialproxySource string

//go:embed schema_directory.go
var schemaDirectorySource string

//go:embed schema_vodia.go
var schemaVodiaSource string

//go:embed schema_switchvox.go
var schemaSwitchvoxSource string

//go:embed schema_console.go
var schemaConsoleSource string

//go:embed schema_imports.go
var schemaImportsSource string

//go:embed schema_webrtc.go
var schemaWebRTCSource string

// Every key is documented once, in the schema; keyDoc is that comment with the default.
type keyDoc struct {
	name  string
	doc   string // without the sentence about reloading
	live  bool
	typ   string // "text", "number", "list of texts", …
	value reflect.Value
}

type tableDoc struct {
	header string // "[server]", "[phones.NAME]", "[[routes]]"
	doc    string
	keys   []keyDoc
}

// Reference gives the reference of all keys as Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Configuration reference\n\n" +
		"Made from the comments in `internal/config/schema.go` by `go generate ./internal/config`; do not edit.\n\n" +
		"`dialwright.toml` is read first, then `conf.d/*.toml` beside it in the order of their names. Tables of several\n" +
		"files are joined; a key set twice is a mistake. Unknown keys are mistakes. `dialwright check` reports all\n" +
		"mistakes at once. Durations are written `\"30s\"`, `\"5m\"`, `\"1h30m\"`, `\"7d\"` or as a number of seconds.\n\n" +
		"A change to a key marked *live* takes effect on SIGHUP, `dialwright config reload` or when the file changes, and\n" +
		"touches no running call; one marked *restart* is reported and waits for the next start. A file with mistakes\n" +
		"leaves the old configuration in force.\n")
	for _, t := range tables() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n| key | type | default | change | meaning |\n|---|---|---|---|---|\n", t.header, t.doc)
		for _, k := range t.keys {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s |\n", k.name, k.typ, tomlValue(k.value), reloadWord(k.live), strings.ReplaceAll(k.doc, "|", "\\|"))
		}
	}
	return b.String()
}

// Example gives a configuration file with every key, its comment and its
// default. Only what a first call needs is not commented out.
func Example() string {
	var b strings.Builder
	b.WriteString("# dialwright.toml: every key with its default. A file with nothing in it is a valid configuration.\n" +
		"# Made from the comments in internal/config/schema.go by go generate; see also docs/configuration.md.\n")
	for _, t := range tables() {
		b.WriteString("\n" + comment(t.doc, 100) + "# " + exampleHeader(t.header) + "\n")
		for _, k := range t.keys {
			b.WriteString("\n" + comment(k.doc+" ("+reloadWord(k.live)+")", 100))
			fmt.Fprintf(&b, "# %s = %s\n", k.name, tomlValue(k.value))
		}
	}
	return b.String()
}

func exampleHeader(h string) string {
	for kind, name := range map[string]string{"phones": "101", "trunks": "carrier", "accounts": "default", "keys": "crm", "users": "crm", "outbound": "crm", "labels": "office"} {
		h = strings.Replace(h, kind+".NAME", kind+"."+name, 1)
	}
	return h
}

func reloadWord(live bool) string {
	if live {
		return "live"
	}
	return "restart"
}

// tables reads the struct tree and its comments.
func tables() []tableDoc {
	docs := fieldComments()
	def := Default()
	def.Server.DataDir = "/var/lib/dialwright" // what it is depends on who runs the server
	root := reflect.ValueOf(def)
	var out []tableDoc
	for f, v := range root.Fields() {
		name := f.Tag.Get("toml")
		header, t := "["+name+"]", f.Type
		switch t.Kind() {
		case reflect.Map:
			header, t = "["+name+".NAME]", t.Elem()
			v = reflect.Zero(t)
		case reflect.Slice:
			header, t = "[["+name+"]]", t.Elem()
			v = reflect.Zero(t)
		}
		out = append(out, tableOf(header, docs["Config."+f.Name], v, docs)...)
	}
	return out
}

// tableOf gives the table of a struct, and after it those within it whose keys the
// operator names: [ari], [ari.users.NAME].
func tableOf(header, doc string, v reflect.Value, docs map[string]string) []tableDoc {
	td := tableDoc{header: header, doc: doc}
	var within []tableDoc
	for f, fv := range v.Fields() {
		name := f.Tag.Get("toml")
		doc, live := cutReload(docs[v.Type().Name()+"."+f.Name])
		if isTables(f.Type) {
			inner := strings.TrimSuffix(header, "]") + "." + name + ".NAME]"
			within = append(within, tableOf(inner, doc, reflect.Zero(f.Type.Elem()), docs)...)
			continue
		}
		td.keys = append(td.keys, keyDoc{name: name, doc: doc, live: live, typ: typeWord(f.Type), value: fv})
	}
	return append([]tableDoc{td}, within...)
}

// isTables says whether a key holds tables by name.
func isTables(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct
}

func cutReload(doc string) (string, bool) {
	if s, ok := strings.CutSuffix(doc, " Reload: live."); ok {
		return s, true
	}
	return strings.TrimSuffix(doc, " Reload: restart."), false
}

func typeWord(t reflect.Type) string {
	if t == reflect.TypeFor[Duration]() {
		return "duration"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Int {
			return "list of numbers"
		}
		if t.Elem().Kind() == reflect.Struct {
			return "list of tables"
		}
		return "list of texts"
	case reflect.Map:
		if t.Elem().Kind() == reflect.Int {
			return "table of numbers"
		}
		return "table of texts"
	}
	return "text"
}

// fieldComments gives the comment of every field of the schema, as
// "Type.Field" → one line.
func fieldComments() map[string]string {
	out := map[string]string{}
	for _, source := range []string{schemaSource, schemaARISource, schemaAMISource, schemaDialproxySource, schemaDirectorySource, schemaVodiaSource, schemaSwitchvoxSource, schemaWebRTCSource, schemaConsoleSource, schemaImportsSource} {
		addComments(out, source)
	}
	return out
}

func addComments(out map[string]string, source string) {
	file, err := parser.ParseFile(token.NewFileSet(), "schema.go", source, parser.ParseComments)
	if err != nil {
		return // cannot be: the compiler has read the same text
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			st, ok := ts.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range st.Fields.List {
				for _, name := range f.Names {
					out[ts.Name.Name+"."+name.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
				}
			}
		}
	}
}

// tomlValue writes a value of the tree as TOML.
func tomlValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Duration:
		return `"` + x.String() + `"`
	case string:
		return fmt.Sprintf("%q", x)
	case []string:
		words := make([]string, len(x))
		for i, w := range x {
			words[i] = fmt.Sprintf("%q", w)
		}
		return "[" + strings.Join(words, ", ") + "]"
	case map[string]string, map[string]int:
		return "{}"
	}
	return fmt.Sprint(v.Interface())
}

// comment wraps text into lines that begin with "# ".
func comment(text string, width int) string {
	var b strings.Builder
	line := "#"
	for _, w := range strings.Fields(text) {
		if len(line)+1+len(w) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + w
	}
	return b.String() + line + "\n"
}

// NeedRestart lists the keys that differ between two configurations and take
// effect only with the next start, sorted as in the reference.
func NeedRestart(old, next *Config) []string {
	docs := fieldComments()
	out := []string{}
	o, n := reflect.ValueOf(*old), reflect.ValueOf(*next)
	for f, v := range o.Fields() {
		if f.Type.Kind() != reflect.Struct {
			continue // tables of phones, trunks, … are all live
		}
		for kf, kv := range v.Fields() {
			_, live := cutReload(docs[f.Type.Name()+"."+kf.Name])
			if !live && !reflect.DeepEqual(kv.Interface(), n.FieldByIndex(f.Index).FieldByIndex(kf.Index).Interface()) {
				out = append(out, f.Tag.Get("toml")+"."+kf.Tag.Get("toml"))
			}
		}
	}
	return out
}
