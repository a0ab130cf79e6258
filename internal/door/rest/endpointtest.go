package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// Tester is what the door needs to ask phones and trunks whether they are there.
type Tester interface {
	// Test asks by OPTIONS now; without an answer that takes some seconds. kind is "phone"
	// or "trunk". The error is a *Refusal for a name that there is not.
	Test(ctx context.Context, kind, name string) (EndpointTest, error)
}

// EndpointTest is what a phone or trunk has answered.
type EndpointTest struct {
	OK      bool          `json:"ok" doc:"Somebody has answered"`
	Results []ContactTest `json:"results" nullable:"false" doc:"Of each contact of a phone, or of the trunk"`
	Text    string        `json:"text" doc:"What it means and what to do"`
}

// ContactTest is the answer of one address.
type ContactTest struct {
	Contact   string  `json:"contact"`
	Status    int     `json:"status,omitempty" doc:"SIP status of the answer"`
	Reason    string  `json:"reason,omitempty"`
	RoundTrip float64 `json:"round_trip,omitempty" doc:"Seconds until the answer"`
	Error     string  `json:"error,omitempty" doc:"Why there was none"`
}

// maxTests is how many tests run at once.
const maxTests = 8

type endpointNameInput struct {
	Name string `path:"name" maxLength:"64"`
}

type endpointTestOutput struct{ Body EndpointTest }

func (s *Server) testPhone(ctx context.Context, in *endpointNameInput) (*endpointTestOutput, error) {
	return s.testEndpoint(ctx, "phone", in.Name)
}

func (s *Server) testTrunk(ctx context.Context, in *endpointNameInput) (*endpointTestOutput, error) {
	return s.testEndpoint(ctx, "trunk", in.Name)
}

// testEndpoint tests what who asks may make calls by: all for administrators, else the phones
// of its own account. Trunks are nobody's own.
func (s *Server) testEndpoint(ctx context.Context, kind, name string) (*endpointTestOutput, error) {
	if s.o.Tester == nil {
		return nil, &Refusal{Code: "not-found", Text: "Nothing can be tested here."}
	}
	if p := principal(ctx); !p.Can(auth.CallsWrite) {
		return nil, newProblem(http.StatusForbidden, "forbidden", scopeAdvice(p, auth.CallsWrite))
	}
	list, err := s.endpoints(ctx, kind)
	if err != nil {
		return nil, err
	}
	var found *call.EndpointState
	for i := range list {
		if list[i].Name == name {
			found = &list[i]
		}
	}
	own := s.visible(ctx)
	switch {
	case found == nil:
		return nil, &Refusal{Code: "not-found", Text: "There is no " + kind + " " + name + "."}
	case own != "" && (kind == "trunk" || found.Account != "" && found.Account != own):
		return nil, &Refusal{Code: "forbidden", Text: "Only who has the scope admin may test this."}
	}
	select {
	case s.tests <- struct{}{}:
	default:
		return nil, &Refusal{Code: "rate", Text: "Too many tests are running; try again in a moment."}
	}
	defer func() { <-s.tests }()
	out, err := s.o.Tester.Test(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	return &endpointTestOutput{out}, nil
}

// registerTests lists the operations that test.
func (s *Server) registerTests(op func(method, path, id, tag, summary string) huma.Operation) {
	for _, t := range []struct {
		kind string
		h    func(context.Context, *endpointNameInput) (*endpointTestOutput, error)
	}{{"phone", s.testPhone}, {"trunk", s.testTrunk}} {
		test := op("POST", "/v1/"+t.kind+"s/{name}/test", "test-"+t.kind, "endpoints", "Ask a "+t.kind+" by OPTIONS whether it is there; calls:write too, and the scope admin for what belongs to others")
		test.DefaultStatus = http.StatusOK
		test.Errors = []int{http.StatusNotFound, http.StatusTooManyRequests}
		operation(s, test, auth.EndpointsRead, t.h)
	}
}
