package switchvox

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errXML says that a document is not one that we take.
var errXML = errors.New("not a request")

// xmlReader reads one document.
type xmlReader struct {
	d      *xml.Decoder
	budget budget
}

// parseXML reads <request method="…"><parameters>…</parameters></request>. found: it has
// that shape.
func parseXML(body []byte) (r Request, found, ok bool) {
	x := &xmlReader{d: xml.NewDecoder(bytes.NewReader(body))}
	x.d.CharsetReader = charset
	root, err := x.next(true)
	if err != nil || root == nil || root.Name.Local != "request" {
		return r, false, false
	}
	for _, a := range root.Attr {
		if a.Name.Local == "method" && r.Method == "" {
			r.Method = a.Value
		}
	}
	if err := x.request(&r); err != nil {
		return r, true, false
	}
	if rest, err := x.next(true); rest != nil || !errors.Is(err, io.EOF) {
		return r, true, false
	}
	return r, true, true
}

// next gives the next element that begins here, or nil where the one around it ends.
// White space, texts and comments before it are passed over; outside, where there is no
// element around, no text may stand. Document type declarations end the reading: with them
// entities would come in (spec: switchvox X4).
func (x *xmlReader) next(outside bool) (*xml.StartElement, error) {
	for {
		t, err := x.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if !x.budget.take(1) {
				return nil, errXML
			}
			return &t, nil
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if outside && len(bytes.TrimSpace(t)) > 0 {
				return nil, errXML
			}
		case xml.Directive:
			return nil, errXML
		}
	}
}

// request reads what is in the root: the first <parameters> counts.
func (x *xmlReader) request(r *Request) error {
	for first := true; ; {
		e, err := x.next(false)
		switch {
		case err != nil || e == nil:
			return err
		case e.Name.Local == "parameters" && first:
			first = false
			if r.Params, err = x.params(); err != nil {
				return err
			}
		default:
			if _, _, err := x.value(2); err != nil {
				return err
			}
		}
	}
}

func (x *xmlReader) params() (Params, error) {
	var out Params
	for {
		e, err := x.next(false)
		if err != nil || e == nil {
			return out, err
		}
		text, items, err := x.value(3)
		if err != nil {
			return nil, err
		}
		out = append(out, Param{Name: e.Name.Local, Text: text, List: items != nil, Items: items})
	}
}

// value reads what is in an element up to its end: its text, and its elements if it has
// any, of which only the texts count.
func (x *xmlReader) value(depth int) (text string, items []Item, err error) {
	var b strings.Builder
	for {
		t, err := x.d.Token()
		if err != nil {
			return "", nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.StartElement:
			if !x.budget.take(depth + 1) {
				return "", nil, errXML
			}
			text, inner, err := x.value(depth + 1)
			if err != nil || len(items) >= maxItems {
				return "", nil, cmpErr(err, errXML)
			}
			if inner != nil {
				text = notText
			}
			items = append(items, Item{Name: t.Name.Local, Text: text})
		case xml.EndElement:
			return strings.TrimSpace(b.String()), items, nil
		case xml.Directive:
			return "", nil, errXML
		}
	}
}

// cmpErr gives the first error that is one.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// charset reads what a declaration calls its encoding. Clients write "utf8" (spec:
// switchvox 1), and old ones ISO-8859-1. Who writes into a string of .NET declares UTF-16, and
// sends UTF-8: what could be read up to the declaration is no UTF-16. Of the code pages that differ
// from ISO-8859-1 in marks alone the marks are not told apart: no parameter takes them.
func charset(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "utf8", "us-ascii", "ascii", "utf-16", "utf16", "unicode":
		return r, nil
	case "iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252":
		b, err := io.ReadAll(r) // the body, which is bounded
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return strings.NewReader(string(runes)), err
	}
	return nil, fmt.Errorf("encoding %q: %w", name, errXML)
}
