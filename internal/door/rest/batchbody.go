package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
)

// batchBody is the body of a batch as it came: a NewBatch, of which each call
// is read by itself, so that a mistake in one does not refuse the others.
type batchBody struct{ raw json.RawMessage }

// UnmarshalJSON keeps the text.
func (b *batchBody) UnmarshalJSON(text []byte) error {
	b.raw = bytes.Clone(text)
	return nil
}

// Schema lets any JSON pass: readBatch and readItem look closer. The API
// document says what describeBatch puts there.
func (batchBody) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// describeBatch documents the body of a batch.
func (s *Server) describeBatch() {
	doc := s.api.OpenAPI()
	doc.Paths["/v1/batches"].Post.RequestBody.Content["application/json"].Schema =
		doc.Components.Schemas.Schema(reflect.TypeFor[NewBatch](), true, "")
}

// digest tells bodies apart, whatever their white space.
func (b *batchBody) digest() string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, b.raw); err != nil { // it has been read as JSON
		return ""
	}
	sum := sha256.Sum256(compact.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// readBatch checks the body around the calls. The error is a *Problem.
func (s *Server) readBatch(b batchBody) (name string, items []json.RawMessage, err error) {
	registry := s.api.OpenAPI().Components.Schemas
	whole := *registry.SchemaFromRef(registry.Schema(reflect.TypeFor[NewBatch](), true, "").Ref)
	whole.Properties = maps.Clone(whole.Properties)
	calls := *whole.Properties["calls"]
	calls.Items = &huma.Schema{} // each call is checked by readItem
	whole.Properties["calls"] = &calls
	if err := s.check(&whole, b.raw); err != nil {
		return "", nil, err
	}
	var body struct {
		Batch string
		Calls []json.RawMessage
	}
	if err := json.Unmarshal(b.raw, &body); err != nil {
		return "", nil, newProblem(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	return body.Batch, body.Calls, nil
}

// readItem reads one call of a batch. The error is a *Problem or a *Refusal.
func (s *Server) readItem(ctx context.Context, item json.RawMessage) (call.Request, error) {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[NewCall](), true, "")
	if err := s.check(schema, item); err != nil {
		return call.Request{}, err
	}
	var n NewCall
	if err := json.Unmarshal(item, &n); err != nil {
		return call.Request{}, newProblem(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	return s.requestOf(ctx, &n)
}

// check validates text as the framework does with a body. Paths in the error
// begin at text itself.
func (s *Server) check(schema *huma.Schema, text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return newProblem(http.StatusBadRequest, "malformed", err.Error())
	}
	res := &huma.ValidateResult{}
	path := huma.NewPathBuffer(make([]byte, 0, 64), 0)
	path.Push("body")
	huma.Validate(s.api.OpenAPI().Components.Schemas, schema, path, huma.ModeWriteToServer, v, res)
	if len(res.Errors) == 0 {
		return nil
	}
	p := newProblem(http.StatusUnprocessableEntity, "invalid", "validation failed")
	for _, err := range res.Errors {
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			p.Errors = append(p.Errors, d)
		}
	}
	shorten(p.Errors)
	return p
}
