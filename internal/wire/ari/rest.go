package ari

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// RESTRequest is a request over a WebSocket as a client writes it (spec: ari 3.5).
type RESTRequest struct {
	Type          string                     `json:"type"` // "RESTRequest"
	TransactionID string                     `json:"transaction_id"`
	RequestID     string                     `json:"request_id"`
	Method        string                     `json:"method"` // "GET"
	URI           string                     `json:"uri"`    // "channels/c1?x=y": below /ari, without a slash in front
	ContentType   string                     `json:"content_type,omitempty"`
	QueryStrings  []RESTQueryStringParameter `json:"query_strings,omitempty"`
	MessageBody   string                     `json:"message_body,omitempty"`
}

// RESTQueryStringParameter is one parameter of a RESTRequest.
type RESTQueryStringParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RESTHeader is a header of a request; it is declared, and no request has any yet.
type RESTHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RESTCall is a request over a WebSocket as it was understood.
type RESTCall struct {
	TransactionID, RequestID string // "" = not given
	Method                   string // one of HTTP, upper case
	URI                      string // as it came, without its query; its segments are still escaped
	Params                   Params
}

// Response gives the answer to a request, without its envelope. A nil body is none.
func (c *RESTCall) Response(status int, contentType string, body []byte) *RESTResponse {
	r := &RESTResponse{
		TransactionID: c.TransactionID,
		RequestID:     c.RequestID,
		StatusCode:    status,
		ReasonPhrase:  http.StatusText(status),
		URI:           c.URI,
	}
	if body != nil {
		r.ContentType, r.MessageBody = contentType, string(body)
	}
	return r
}

// refuse answers what could not be understood; Asterisk spells this reason its own way.
func (c *RESTCall) refuse(e *Error) *RESTResponse {
	body, _ := json.Marshal(map[string]string{"message": e.Message}) // of strings: cannot fail
	r := c.Response(e.Status, TypeJSON, body)
	if e.Status == http.StatusBadRequest {
		r.ReasonPhrase = "Bad request"
	}
	return r
}

// ParseRESTRequest reads a text frame. If it cannot be understood the answer to it is
// given instead, with Asterisk's texts (spec: ari 3.5 rule 4); the WebSocket stays open.
func ParseRESTRequest(frame []byte) (*RESTCall, *RESTResponse) {
	c := &RESTCall{}
	v, err := decodeJSON(frame)
	if err != nil {
		r := c.Response(http.StatusBadRequest, "", nil)
		r.ReasonPhrase = "Failed to parse request message JSON"
		return nil, r
	}
	m, _ := v.(map[string]any) // another value has no type, as an object without one
	if e := c.read(m); e != nil {
		return nil, c.refuse(e)
	}
	return c, nil
}

// read takes the members of a request in the order in which Asterisk looks at them.
func (c *RESTCall) read(m map[string]any) *Error {
	c.TransactionID, _ = scalar(m["transaction_id"])
	c.RequestID, _ = scalar(m["request_id"])
	switch kind, ok := m["type"].(string); {
	case !ok:
		return Errorf(http.StatusBadRequest, "No 'type' property.")
	case kind != "RESTRequest":
		return Errorf(http.StatusBadRequest, "Unknown request type.")
	}
	uri, _ := m["uri"].(string)
	if uri == "" {
		return Errorf(http.StatusBadRequest, "Empty or missing 'uri' property.")
	}
	uri, query, _ := strings.Cut(uri, "?")
	c.URI = uri
	c.Params.Query = ParseQuery(query)
	c.Method, _ = m["method"].(string)
	if !knownMethod(c.Method) {
		return Errorf(http.StatusBadRequest, "Unknown or missing 'method' property.")
	}
	if !c.readQueryStrings(m["query_strings"]) {
		return Errorf(http.StatusBadRequest, "Unable to parse 'query_strings' array.")
	}
	return c.readBody(m)
}

func knownMethod(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodHead}, method)
}

// readQueryStrings adds them to those of the URI, over which they win.
func (c *RESTCall) readQueryStrings(v any) bool {
	if v == nil {
		return true
	}
	list, ok := v.([]any)
	if !ok {
		return false
	}
	for _, entry := range list {
		pair, _ := entry.(map[string]any)
		name, okName := pair["name"].(string)
		value, okValue := scalar(pair["value"])
		if !okName || !okValue {
			return false
		}
		c.Params.Query[name] = append(c.Params.Query[name], value)
	}
	return true
}

// readBody takes the body, which must be a text: anything else is ignored (spec: ari
// 3.5 rule 2).
func (c *RESTCall) readBody(m map[string]any) *Error {
	body, _ := m["message_body"].(string)
	if body == "" {
		return nil
	}
	contentType, _ := m["content_type"].(string)
	switch {
	case contentType == "":
		return Errorf(http.StatusBadRequest, "No 'content_type' for 'message_body'.")
	case mediaType(contentType) == "":
		return Errorf(http.StatusBadRequest, "Unknown content type.")
	case len(body) > MaxBody:
		return ErrBodyTooLarge
	}
	if err := c.Params.SetBody(contentType, []byte(body)); err != nil {
		return Errorf(http.StatusBadRequest, "Unable to parse 'message_body' as 'application/json'.")
	}
	return nil
}
