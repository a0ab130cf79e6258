package vodia

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// object is a JSON object whose values have not been read.
type object map[string]json.RawMessage

var errObject = errors.New("not one JSON object with different names")

// parseObject reads one JSON object and nothing after it. Names are taken exactly as they
// are written, and none may occur twice.
func parseObject(b []byte) (object, error) {
	if !utf8.Valid(b) || !json.Valid(b) {
		return nil, errObject
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errObject
	}
	o := object{}
	for d.More() {
		t, err := d.Token()
		name, _ := t.(string)
		var value json.RawMessage
		_, twice := o[name]
		if err != nil || d.Decode(&value) != nil || twice {
			return nil, errObject
		}
		o[name] = value
	}
	return o, nil
}

// has says whether a member is there and is not null.
func (o object) has(name string) bool {
	v, ok := o[name]
	return ok && string(v) != "null"
}

// text reads a text; a member that is not there, or is null, is "".
func (o object) text(name string) (string, bool) {
	if !o.has(name) {
		return "", true
	}
	var s *string
	if json.Unmarshal(o[name], &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

// digits reads a text, or a number that is written with digits alone, as its text: IDs and
// telephone numbers are sent as both.
func (o object) digits(name string) (string, bool) {
	if s, ok := o.text(name); ok {
		return s, true
	}
	for _, c := range o[name] {
		if c < '0' || '9' < c {
			return "", false
		}
	}
	return string(o[name]), true
}

// truth reads a boolean, or one that is written as a text or as on and off; ok is false for
// anything else, and for nothing.
func (o object) truth(name string) (on, ok bool) {
	switch string(o[name]) {
	case "true", `"true"`, `"on"`, "1", `"1"`:
		return true, true
	case "false", `"false"`, `"off"`, "0", `"0"`:
		return false, true
	}
	return false, false
}

// list reads a list of texts and numbers; a member that is not there, or is null, is empty.
func (o object) list(name string) ([]string, bool) {
	if !o.has(name) {
		return nil, true
	}
	var raw []json.RawMessage
	if json.Unmarshal(o[name], &raw) != nil {
		return nil, false
	}
	out := make([]string, len(raw))
	for i, v := range raw {
		s, ok := object{"": v}.digits("")
		if !ok || s == "" {
			return nil, false
		}
		out[i] = s
	}
	return out, true
}

// marshal writes JSON in which < and > stay as they are: nobody takes it for HTML, and
// addresses of SIP are full of them.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
