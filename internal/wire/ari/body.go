package ari

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Limits of a request body.
const (
	MaxBody  = 40960 // bytes (spec: ari 2.3 rule 7)
	MaxDepth = 128   // objects and arrays within each other
)

// Refusals of a body.
var (
	ErrBodyTooLarge = &Error{Status: http.StatusRequestEntityTooLarge, Message: "Request body too large"}
	ErrBody         = &Error{Status: http.StatusBadRequest, Message: "Error parsing request body"}
)

// Media types of bodies that are read.
const (
	TypeJSON = "application/json"
	TypeForm = "application/x-www-form-urlencoded"
)

// ReadBody reads a body into Body or Form, as SetBody does. A body of another type is
// not read. Errors: ErrBodyTooLarge, after which the connection cannot be used
// further, and ErrBody.
func (p *Params) ReadBody(contentType string, r io.Reader) error {
	if mediaType(contentType) == "" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err != nil {
		return ErrBody
	}
	return p.SetBody(contentType, body)
}

// SetBody takes a body in JSON into Body and a form into Form, and ignores one of any
// other type (spec: ari 2.3 rule 1). Parameters of the media type are allowed; an empty
// body is none. A JSON array carries no parameters; a bare string or number is no body.
func (p *Params) SetBody(contentType string, body []byte) error {
	kind := mediaType(contentType)
	if kind != "" && len(body) > MaxBody {
		return ErrBodyTooLarge
	}
	switch kind {
	case TypeForm:
		p.Form = ParseQuery(string(body))
	case TypeJSON:
		return p.setJSON(body)
	}
	return nil
}

// mediaType gives TypeJSON, TypeForm or "" for any other type.
func mediaType(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	if kind == TypeJSON || kind == TypeForm {
		return kind
	}
	return ""
}

func (p *Params) setJSON(body []byte) error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	v, err := decodeJSON(body)
	if err != nil {
		return ErrBody
	}
	switch v := v.(type) {
	case map[string]any:
		p.Body = v
		p.raw = map[string]json.RawMessage{}
		return json.Unmarshal(body, &p.raw)
	case []any:
		return nil
	}
	return ErrBody
}

var errJSON = errors.New("not the JSON that a request may have")

// decodeJSON decodes one value with numbers as json.Number. Text that is no UTF-8, a
// NUL in a string and nesting beyond MaxDepth are refused, as by the JSON library
// that Asterisk uses.
func decodeJSON(b []byte) (any, error) {
	if !utf8.Valid(b) || depth(b) > MaxDepth {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	if hasNUL(v) {
		return nil, errJSON
	}
	return v, nil
}

// depth counts how deep brackets lie within each other, outside of strings.
func depth(b []byte) int {
	now, most := 0, 0
	inString := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}

func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, e := range v {
			if hasNUL(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range v {
			if strings.ContainsRune(k, 0) || hasNUL(e) {
				return true
			}
		}
	}
	return false
}

// member is one name and value of an object, in the order of its text.
type member struct {
	name  string
	value any
}

// objectMembers gives the members of a JSON object in order, false if it is none.
func objectMembers(raw json.RawMessage) ([]member, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var list []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var m member
		m.name, _ = name.(string)
		if err := d.Decode(&m.value); err != nil {
			return nil, false
		}
		list = append(list, m)
	}
	return list, true
}

// ParseQuery reads a query string or a form. Unlike net/url it refuses nothing: an
// escape that is none stays as it is, and a semicolon is a character.
func ParseQuery(s string) url.Values {
	values := url.Values{}
	for part := range strings.SplitSeq(s, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name = Unescape(name)
		values[name] = append(values[name], Unescape(value))
	}
	return values
}

// Unescape decodes %XX and + of a query or a path segment (spec: ari 2.1 rule 2). What
// is no escape stays as it is.
func Unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
