package switchvox

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"
)

// Element is a part of an answer.
type Element struct {
	Name     string
	Attrs    []Attr
	Children []Element
	Text     string // instead of both, "" = none
}

// Attr is an attribute. Number: it is one in JSON too, for clients who want numbers.
type Attr struct {
	Name, Value string
	Number      bool
}

// A makes an attribute with a text.
func A(name, value string) Attr { return Attr{Name: name, Value: value} }

// N makes an attribute with a number.
func N(name string, n int) Attr { return Attr{Name: name, Value: strconv.Itoa(n), Number: true} }

// Digits makes an attribute with a number that is written in digits already.
func Digits(name, digits string) Attr { return Attr{Name: name, Value: digits, Number: true} }

// Style says how answers are written.
type Style struct {
	Format  Format
	Numbers bool // JSON has numbers where the values are some (spec: switchvox 4)
}

// Result writes the answer to a method: what is in its result.
func (s Style) Result(method string, in ...Element) []byte {
	return s.response(method, Element{Name: "result", Children: in})
}

// Failure writes the answer to a method with faults.
func (s Style) Failure(method string, list ...Error) []byte {
	e := Element{Name: "errors"}
	for _, f := range list {
		e.Children = append(e.Children, Element{Name: "error", Attrs: []Attr{N("code", f.Code), A("message", f.Message)}})
	}
	return s.response(method, e)
}

func (s Style) response(method string, in Element) []byte {
	e := Element{Name: "response", Attrs: []Attr{A("method", method)}, Children: []Element{in}}
	var b bytes.Buffer
	if s.Format == JSON {
		b.WriteByte('{')
		s.member(&b, e.Name)
		s.json(&b, e)
		b.WriteString("}\n")
		return b.Bytes()
	}
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	writeXML(&b, e)
	b.WriteByte('\n')
	return b.Bytes()
}

func writeXML(b *bytes.Buffer, e Element) {
	b.WriteString("<" + e.Name)
	for _, a := range e.Attrs {
		b.WriteString(" " + a.Name + `="`)
		escape(b, a.Value)
		b.WriteByte('"')
	}
	b.WriteByte('>')
	escape(b, e.Text)
	for _, c := range e.Children {
		writeXML(b, c)
	}
	b.WriteString("</" + e.Name + ">")
}

// escape writes a text; what XML cannot say becomes U+FFFD.
func escape(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(s)) // a buffer does not fail
}

// json writes an element as a value: attributes and children are members of one object,
// children of one name an array if there are several (spec: switchvox 4).
func (s Style) json(b *bytes.Buffer, e Element) {
	if e.Text != "" && len(e.Attrs) == 0 && len(e.Children) == 0 {
		s.text(b, e.Text)
		return
	}
	b.WriteByte('{')
	first := true
	name := func(n string) {
		if !first {
			b.WriteByte(',')
		}
		first = false
		s.member(b, n)
	}
	for _, a := range e.Attrs {
		name(a.Name)
		if s.Numbers && a.Number && integer(a.Value) {
			b.WriteString(a.Value)
		} else {
			s.text(b, a.Value)
		}
	}
	for i, list := range byName(e.Children) {
		name(e.Children[i].Name)
		s.list(b, list)
	}
	b.WriteByte('}')
}

// list writes the children of one name.
func (s Style) list(b *bytes.Buffer, list []Element) {
	if len(list) == 1 {
		s.json(b, list[0])
		return
	}
	for i, c := range list {
		b.WriteByte("[,"[min(i, 1)])
		s.json(b, c)
	}
	b.WriteByte(']')
}

// byName gives the children of each name, with the index of the first, in their order.
func byName(children []Element) func(yield func(int, []Element) bool) {
	return func(yield func(int, []Element) bool) {
		lists, first := map[string][]Element{}, []int{}
		for i, c := range children {
			if lists[c.Name] == nil {
				first = append(first, i)
			}
			lists[c.Name] = append(lists[c.Name], c)
		}
		for _, i := range first {
			if !yield(i, lists[children[i].Name]) {
				return
			}
		}
	}
}

func (s Style) member(b *bytes.Buffer, name string) {
	s.text(b, name)
	b.WriteByte(':')
}

// text writes a string. Clients read <, > and & as they are.
func (s Style) text(b *bytes.Buffer, t string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(t)         // a string can be encoded, and a buffer does not fail
	b.Truncate(b.Len() - 1) // the line feed
}

// integer says whether a text is an integer as JSON writes it.
func integer(s string) bool {
	return digits(s) && (s == "0" || !strings.HasPrefix(s, "0"))
}
