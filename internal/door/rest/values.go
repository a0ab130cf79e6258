package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
)

// Seconds is a length of time: a number of seconds (30, 1.5) or text ("30s",
// "5m"). It is written as a number.
type Seconds time.Duration

const longest = 10 * 365 * 24 * time.Hour

// UnmarshalJSON reads both forms.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var d time.Duration
	var text string
	var n float64
	switch {
	case json.Unmarshal(b, &n) == nil:
		if math.IsNaN(n) || math.Abs(n) > longest.Seconds() {
			return fmt.Errorf("%s is out of range", b)
		}
		d = time.Duration(n * float64(time.Second))
	case json.Unmarshal(b, &text) == nil:
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("%q is not a duration; write 30, \"30s\" or \"5m\"", text)
		}
	default:
		return fmt.Errorf("%s is not a duration; write 30, \"30s\" or \"5m\"", b)
	}
	if d < 0 || d > longest {
		return fmt.Errorf("%s is out of range", b)
	}
	*s = Seconds(d)
	return nil
}

// MarshalJSON writes seconds as a number.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Seconds())
}

// Schema says so in OpenAPI.
func (Seconds) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: `Seconds as a number, or text such as "30s" or "5m"`,
		Examples:    []any{30, "30s"},
		OneOf: []*huma.Schema{
			{Type: huma.TypeNumber, Minimum: new(0.0)},
			{Type: huma.TypeString, Pattern: `^[0-9.]+(ns|us|ms|s|m|h)([0-9.]+(ns|us|ms|s|m|h))*$`, MaxLength: new(32)},
		},
	}
}

// CallerID is a name and a number: text in Asterisk's form ("Sales"
// <+4930123456>) or an object.
type CallerID call.CallerID

// UnmarshalJSON reads both forms.
func (c *CallerID) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		c.Name, c.Number = number.SplitCallerID(text)
		return nil
	}
	return json.Unmarshal(b, (*call.CallerID)(c))
}

// Schema says so in OpenAPI.
func (CallerID) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString, MaxLength: new(256)}
	return &huma.Schema{
		Description: `Caller ID: text such as "Sales" <+4930123456>, or an object`,
		Examples:    []any{`"Sales" <+4930123456>`, map[string]any{"name": "Sales", "number": "+4930123456"}},
		OneOf: []*huma.Schema{text, {
			Type: huma.TypeObject, AdditionalProperties: false,
			Properties: map[string]*huma.Schema{
				"name": text, "number": {Type: huma.TypeString, MaxLength: new(128)},
				"private": {Type: huma.TypeBoolean, Description: "Ask the network not to show it"},
			},
		}},
	}
}

// Variables are channel variables in order: an object, or a list of name and
// value where names repeat.
type Variables []call.Variable

// UnmarshalJSON reads both forms. The order of an object's members is kept.
func (v *Variables) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]call.Variable)(v))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("variables: an object or a list is expected")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("variables: a name is expected")
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("variables: the value of %q is not text", name)
		}
		*v = append(*v, call.Variable{Name: name, Value: value})
	}
	return nil
}

// Schema says so in OpenAPI.
func (Variables) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString, MaxLength: new(8192)}
	name := &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(256)}
	return &huma.Schema{
		Description: "Channel variables in order: an object, or a list of name and value",
		Examples:    []any{map[string]any{"CUSTOMER": "4711"}},
		OneOf: []*huma.Schema{
			{Type: huma.TypeObject, AdditionalProperties: text, MaxProperties: new(200)},
			{Type: huma.TypeArray, MaxItems: new(200), Items: &huma.Schema{
				Type: huma.TypeObject, AdditionalProperties: false, Required: []string{"name", "value"},
				Properties: map[string]*huma.Schema{"name": name, "value": text},
			}},
		},
	}
}
