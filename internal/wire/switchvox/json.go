package switchvox

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonReader reads one text, which is known to be JSON. It goes by tokens: nothing is built
// that nobody needs, names are taken exactly as they are written, and of repeated ones the
// first counts, as in XML.
type jsonReader struct {
	d      *json.Decoder
	budget budget
	over   bool // a bound was met
}

// parseJSON reads {"request":{"method":"…","parameters":{…}}}. found: it has that shape.
func parseJSON(body []byte) (r Request, found, ok bool) {
	if !json.Valid(body) {
		return r, false, false
	}
	x := &jsonReader{d: json.NewDecoder(bytes.NewReader(body))}
	x.d.UseNumber()
	ok = true
	isObject := x.object(1, func(name string, depth int) {
		if name != "request" || found {
			x.skip(depth)
			return
		}
		found = true
		ok = x.request(&r, depth)
	})
	return r, found && isObject, ok && !x.over
}

// request reads the object request; false: it, or its parameters, is none (spec: switchvox J4).
func (x *jsonReader) request(r *Request, depth int) bool {
	good, method, params := true, false, false
	object := x.object(depth, func(name string, depth int) {
		switch {
		case name == "method" && !method:
			method = true
			if text, _, list := x.value(depth); !list {
				r.Method = text
			}
		case name == "parameters" && !params:
			params = true
			good = x.params(&r.Params, depth)
		default:
			x.skip(depth)
		}
	})
	return object && good
}

// params reads the object parameters. null is as good as none.
func (x *jsonReader) params(out *Params, depth int) bool {
	t := x.token()
	if t == nil {
		return true
	}
	return x.members(t, depth, func(name string, depth int) {
		text, items, list := x.value(depth)
		*out = append(*out, Param{Name: name, Text: text, List: list, Items: items})
	})
}

// value reads a value: a text, or a list. An object in the place of a list is the
// transliteration of XML: {"variable":["a=1"]} (spec: switchvox J1).
func (x *jsonReader) value(depth int) (text string, items []Item, list bool) {
	t := x.token()
	if text, ok := scalar(t); ok {
		return text, nil, false
	}
	x.entries(t, "", depth, &items)
	return "", items, true
}

// entries reads the entries of an array or an object that begins with the token t, to
// which name is the name.
func (x *jsonReader) entries(t json.Token, name string, depth int, items *[]Item) {
	add := func(name string, depth int) {
		t := x.token()
		if text, ok := scalar(t); ok {
			x.add(items, Item{Name: name, Text: text})
			return
		}
		x.entries(t, name, depth, items)
	}
	if x.members(t, depth, add) {
		return
	}
	if !x.budget.take(depth) {
		x.over = true
	}
	for x.d.More() && !x.over {
		add(name, depth+1)
	}
	x.token()
}

func (x *jsonReader) add(items *[]Item, i Item) {
	if len(*items) >= maxItems {
		x.over = true
		return
	}
	*items = append(*items, i)
}

// object reads an object and has f read the value of each member. false: it is none, and
// was passed over.
func (x *jsonReader) object(depth int, f func(name string, depth int)) bool {
	t := x.token()
	if x.members(t, depth, f) {
		return true
	}
	x.pass(t, depth)
	return false
}

// members reads the members of an object that begins with the token t; false: it is none.
func (x *jsonReader) members(t json.Token, depth int, f func(name string, depth int)) bool {
	if t != json.Delim('{') {
		return false
	}
	if !x.budget.take(depth) {
		x.over = true
	}
	for x.d.More() && !x.over {
		name, _ := x.token().(string)
		f(name, depth+1)
	}
	x.token()
	return true
}

// skip passes over a value.
func (x *jsonReader) skip(depth int) { x.pass(x.token(), depth) }

// pass passes over the rest of a value that begins with the token t.
func (x *jsonReader) pass(t json.Token, depth int) {
	if _, ok := t.(json.Delim); ok {
		var items []Item
		x.entries(t, "", depth, &items)
	}
}

// token gives the next token; nil is null, and where the text is over.
func (x *jsonReader) token() json.Token {
	if !x.budget.take(0) {
		x.over = true
	}
	if x.over {
		return nil
	}
	t, err := x.d.Token()
	if err != nil { // the text is valid, so it is at its end
		x.over = true
	}
	return t
}

// scalar gives the text of a value that is neither array nor object: a boolean is 1 or 0,
// null is nothing (spec: switchvox J2).
func scalar(t json.Token) (string, bool) {
	switch t := t.(type) {
	case nil:
		return "", true
	case string:
		return strings.TrimSpace(t), true
	case json.Number:
		return t.String(), true
	case bool:
		if t {
			return "1", true
		}
		return "0", true
	}
	return "", false
}
