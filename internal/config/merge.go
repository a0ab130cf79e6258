package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// place is where a key was written.
type place struct {
	file string
	line int
}

// expression is one line of TOML: a table header or key = value.
type expression struct {
	path       string // full key path
	start, end int    // bytes, whole lines
	line       int
	header     bool
}

// merger decodes one file after the other into the same Config.
type merger struct {
	config   Config
	setAt    map[string]place
	mistakes Mistakes
}

// merge adds one file. Keys that an earlier file has set are mistakes; lists of
// tables (routes, inbound) are appended to.
func (m *merger) merge(f File) {
	bad := func(line int, key, text string) {
		m.mistakes = append(m.mistakes, Mistake{File: f.Name, Line: line, Key: key, Text: text})
	}
	// One pass for the grammar alone: with broken grammar no line can be trusted.
	if err := toml.Unmarshal(f.Text, &map[string]any{}); err != nil {
		line, text := 0, err.Error()
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = de.Position()
		}
		bad(line, "", "cannot be understood: "+strings.TrimPrefix(text, "toml: "))
		return
	}
	routes, inbound := m.config.Routes, m.config.Inbound
	exprs := expressions(f.Text, map[string]int{"routes": len(routes), "inbound": len(inbound)})
	before := len(m.mistakes)
	var again []Mistake
	for _, e := range exprs {
		first, ok := m.setAt[e.path]
		if ok && !e.header {
			again = append(again, Mistake{File: f.Name, Line: e.line, Key: e.path,
				Text: fmt.Sprintf("is already set in %s:%d; remove one of them", first.file, first.line)})
		}
		if !ok || !e.header { // the last value is the one that is checked
			m.setAt[e.path] = place{f.Name, e.line}
		}
	}
	m.decode(f, exprs, bad)
	// What is wrong with a line anyway (unknown, wrong type) is not also set twice.
	wrong := m.mistakes[before:]
	for _, a := range again {
		if !slices.ContainsFunc(wrong, func(w Mistake) bool { return w.Line == a.Line }) {
			m.mistakes = append(m.mistakes, a)
		}
	}
	m.config.Routes = append(routes, m.config.Routes...)
	m.config.Inbound = append(inbound, m.config.Inbound...)
}

// decode decodes f strictly. A value of the wrong type is reported, blanked out
// and the file decoded again, so that one pass over the file finds all of them.
func (m *merger) decode(f File, exprs []expression, bad func(int, string, string)) {
	text := bytes.Clone(f.Text)
	for range maxTypeMistakes {
		m.config.Routes, m.config.Inbound = nil, nil
		d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
		err := d.Decode(&m.config)
		if err == nil {
			return
		}
		if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
			m.unknownKeys(strict, exprs, bad)
			return
		}
		i := -1
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := de.Position()
			i = expressionAt(exprs, line)
		} else {
			i = firstFailing(text, exprs)
		}
		if i < 0 {
			bad(0, "", strings.TrimPrefix(err.Error(), "toml: "))
			return
		}
		bad(exprs[i].line, exprs[i].path, typeAdvice(exprs[i].path, err))
		blank(text, exprs, i)
	}
	bad(0, "", "has more mistakes of this kind; mend these first")
}

// firstFailing gives the index of the first expression with which text does not
// decode, for errors that have no position (the decoder gives none to the
// errors of a TextUnmarshaler for numbers and booleans). -1 if there is none.
func firstFailing(text []byte, exprs []expression) int {
	i := sort.Search(len(exprs), func(i int) bool {
		var c Config
		err := toml.Unmarshal(text[:exprs[i].end], &c)
		return err != nil
	})
	if i == len(exprs) {
		return -1
	}
	return i
}

// maxTypeMistakes bounds how often one file is decoded again.
const maxTypeMistakes = 100

// unknownKeys reports each unknown key once, with the key that was probably meant.
func (m *merger) unknownKeys(err *toml.StrictMissingError, exprs []expression, bad func(int, string, string)) {
	for i := range err.Errors {
		line, _ := err.Errors[i].Position()
		path := strings.Join(err.Errors[i].Key(), ".")
		if j := expressionAt(exprs, line); j >= 0 {
			path = exprs[j].path
		}
		text := "is not a known key"
		parent, last := "", path
		if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
			parent, last = path[:dot], path[dot+1:]
		}
		if t := typeAt(parent); t != nil {
			if guess := nearest(last, keysOf(t)); guess != "" {
				text += "; did you mean " + guess + "?"
			} else if keys := keysOf(t); len(keys) > 0 {
				text += "; known here: " + strings.Join(keys, ", ")
			}
		}
		bad(line, path, text)
	}
}

// expressions lists the expressions of a text whose grammar is right. arrays
// holds the index of the first element of each list of tables, and is used up.
func expressions(text []byte, arrays map[string]int) []expression {
	var p unstable.Parser
	p.Reset(text)
	var out []expression
	prefix := ""
	for p.NextExpression() {
		n := p.Expression()
		var e expression
		switch n.Kind {
		case unstable.Table:
			prefix = keyPath(n.Key(), "")
			prefix = current(prefix, arrays)
			e = expression{path: prefix, header: true}
		case unstable.ArrayTable:
			name := keyPath(n.Key(), "")
			prefix = name + "[" + strconv.Itoa(arrays[name]) + "]"
			arrays[name]++
			e = expression{path: prefix, header: true}
		case unstable.KeyValue:
			e = expression{path: keyPath(n.Key(), prefix)}
		default:
			continue
		}
		first := n.Key()
		if !first.Next() {
			continue
		}
		offset := int(first.Node().Raw.Offset)
		e.start = bytes.LastIndexByte(text[:offset], '\n') + 1
		e.line = bytes.Count(text[:offset], []byte("\n")) + 1
		out = append(out, e)
	}
	for i := range out {
		out[i].end = len(text)
		if i+1 < len(out) {
			out[i].end = out[i+1].start
		}
	}
	return out
}

// current replaces the name of a list of tables at the front of path by its
// newest element: routes.x → routes[2].x.
func current(path string, arrays map[string]int) string {
	first, rest, nested := strings.Cut(path, ".")
	if n, ok := arrays[first]; ok && nested && n > 0 {
		return first + "[" + strconv.Itoa(n-1) + "]." + rest
	}
	return path
}

func keyPath(it unstable.Iterator, prefix string) string {
	path := prefix
	for it.Next() {
		if path != "" {
			path += "."
		}
		path += string(it.Node().Data)
	}
	return path
}

// expressionAt gives the index of the expression that line belongs to, or -1.
func expressionAt(exprs []expression, line int) int {
	found := -1
	for i, e := range exprs {
		if e.line > line {
			break
		}
		found = i
	}
	return found
}

// blank overwrites expression i with spaces; for a header, also what stands
// under it. Line breaks stay, so that later positions are right.
func blank(text []byte, exprs []expression, i int) {
	end := exprs[i].end
	if exprs[i].header {
		for j := i + 1; j < len(exprs) && !exprs[j].header; j++ {
			end = exprs[j].end
		}
	}
	for k := exprs[i].start; k < end; k++ {
		if text[k] != '\n' {
			text[k] = ' '
		}
	}
}

// typeAdvice says what a key expects.
func typeAdvice(path string, err error) string {
	t := typeAt(path)
	if t == nil {
		return strings.TrimPrefix(err.Error(), "toml: ")
	}
	if t == reflect.TypeFor[Duration]() {
		return "expects a duration such as \"30s\", \"5m\" or \"7d\""
	}
	switch t.Kind() {
	case reflect.String:
		return "expects text in quotes"
	case reflect.Bool:
		return "expects true or false"
	case reflect.Int, reflect.Int64:
		return "expects a whole number"
	case reflect.Float64:
		return "expects a number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "expects a list of tables: write [[" + path + "]]"
		}
		return "expects a list of texts such as [\"a\", \"b\"]"
	case reflect.Map, reflect.Struct:
		return "expects a table: write [" + path + "]"
	}
	return strings.TrimPrefix(err.Error(), "toml: ")
}

// typeAt gives the Go type of the value at a key path, nil if there is none.
func typeAt(path string) reflect.Type {
	t := reflect.TypeFor[Config]()
	if path == "" {
		return t
	}
	for part := range strings.SplitSeq(path, ".") {
		part, _, indexed := strings.Cut(part, "[")
		switch t.Kind() {
		case reflect.Map:
			t = t.Elem()
			continue
		case reflect.Struct:
			f, ok := fieldByKey(t, part)
			if !ok {
				return nil
			}
			t = f.Type
			if indexed && t.Kind() == reflect.Slice {
				t = t.Elem()
			}
		default:
			return nil
		}
	}
	return t
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.Tag.Get("toml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// keysOf lists the keys of a table type.
func keysOf(t reflect.Type) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		if k := f.Tag.Get("toml"); k != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}
