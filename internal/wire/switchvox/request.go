package switchvox

import (
	"bytes"
	"strings"
)

// Format is an envelope.
type Format int

// The envelopes. Each has a path of its own.
const (
	XML  Format = iota // /xml
	JSON               // /json
)

// ContentType gives the value of an answer's header Content-Type.
func (f Format) ContentType() string {
	if f == JSON {
		return "application/json"
	}
	return "text/xml; charset=utf-8"
}

// Bounds of a request (spec: switchvox X4). What is beyond them cannot be parsed.
const (
	maxDepth = 16     // elements or values within each other
	maxNodes = 10_000 // elements or values in all
	maxItems = 1000   // entries of one list
)

// Request is what a client asks for.
type Request struct {
	Method string // "switchvox.call"; never empty
	Params Params
}

// Params are the parameters of a request, in the order in which they stand there.
type Params []Param

// Param is one of them: a text, or a list of texts.
type Param struct {
	Name  string
	Text  string // trimmed; "" = none
	List  bool
	Items []Item // of a list
}

// Item is an entry of a list. In XML it has a name, in JSON it may have one.
type Item struct{ Name, Text string }

// notText stands where a text is due and something else was given. No format takes it.
const notText = "\ufffd"

// Parse reads a body. If the error is nil the request has a method. Else the request has
// the method if one could be read, for the answer.
func Parse(f Format, body []byte) (Request, *Error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	read := parseXML
	if f == JSON {
		read = parseJSON
	}
	r, found, ok := read(body)
	r.Method = strings.TrimSpace(clip(strings.TrimSpace(r.Method)))
	switch {
	case !ok || !found:
		e := errEnvelope
		return r, &e
	case r.Method == "":
		e := errNoMethod
		return r, &e
	}
	return r, nil
}

// text gives a parameter's text, "" if it is missing. Of a repeated one the first counts
// (spec: switchvox X3).
func (p Params) text(name string) string {
	for _, q := range p {
		if q.Name == name {
			if q.List {
				return notText
			}
			return q.Text
		}
	}
	return ""
}

// list gives the texts of a list that are not empty. singular is the name of its entries
// (spec: switchvox X2, J1).
func (p Params) list(name, singular string) []string {
	var out []string
	for _, q := range p {
		switch {
		case q.Name != name:
		case q.List:
			for _, i := range q.Items {
				if (i.Name == "" || i.Name == singular) && i.Text != "" {
					out = append(out, i.Text)
				}
			}
		case q.Text != "":
			out = append(out, q.Text)
		}
	}
	return out
}

// budget counts what a request is made of.
type budget struct{ nodes int }

// take counts one at a depth, and says whether that may be.
func (b *budget) take(depth int) bool {
	b.nodes++
	return b.nodes <= maxNodes && depth <= maxDepth
}
