package rest

import (
	"context"

	"github.com/dialwright/dialwright/internal/call"
)

type phonesOutput struct {
	Body struct {
		Phones []call.EndpointState `json:"phones" nullable:"false"`
	}
}

type trunksOutput struct {
	Body struct {
		Trunks []call.EndpointState `json:"trunks" nullable:"false"`
	}
}

func (s *Server) listPhones(ctx context.Context, _ *struct{}) (*phonesOutput, error) {
	list, err := s.endpoints(ctx, "phone")
	out := &phonesOutput{}
	out.Body.Phones = list
	return out, err
}

func (s *Server) listTrunks(ctx context.Context, _ *struct{}) (*trunksOutput, error) {
	list, err := s.endpoints(ctx, "trunk")
	out := &trunksOutput{}
	out.Body.Trunks = list
	return out, err
}

func (s *Server) endpoints(ctx context.Context, kind string) ([]call.EndpointState, error) {
	all, err := s.o.Endpoints.Endpoints(ctx)
	list := []call.EndpointState{}
	for _, e := range all {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list, err
}

type routeInput struct {
	Number  string `query:"number" required:"true" minLength:"1" maxLength:"256" doc:"As typed"`
	Account string `query:"account" maxLength:"64" doc:"Absent = the key's account"`
	Label   string `query:"label" maxLength:"64" doc:"Explain it as dialproxy.php would dial it for this label; the account is the label's"`
}

type routeOutput struct{ Body Trace }

func (s *Server) routeNumber(ctx context.Context, in *routeInput) (*routeOutput, error) {
	p := principal(ctx)
	if in.Label != "" {
		return &routeOutput{s.o.Routes.ExplainLabel(ctx, s.visible(ctx), in.Number, in.Label)}, nil
	}
	account := call.AccountID(in.Account)
	if account == "" || !p.IsAdmin() {
		account = s.accountOf(p)
	}
	return &routeOutput{s.o.Routes.Explain(account, in.Number)}, nil
}

type statsOutput struct{ Body Stats }

func (s *Server) stats(ctx context.Context, _ *struct{}) (*statsOutput, error) {
	st, err := s.o.Calls.Stats(ctx)
	if err != nil {
		return nil, err
	}
	if s.visible(ctx) != "" {
		st.Resources, st.Paused = []Resource{}, []string{} // other accounts' are none of its business
	}
	return &statsOutput{st}, nil
}

type reloadOutput struct{ Body Reloaded }

func (s *Server) reload(ctx context.Context, _ *struct{}) (*reloadOutput, error) {
	r, err := s.o.Control.Reload(ctx)
	if err != nil {
		return nil, err
	}
	return &reloadOutput{r}, nil
}
