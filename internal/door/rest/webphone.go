package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Webphones says what a browser needs to be the phone of a user.
type Webphones interface {
	// Webphone tells it for the phone name, "" = the user has none.
	Webphone(phone string) Webphone
}

// Webphone is what a browser needs to be a phone.
type Webphone struct {
	Enabled    bool     `json:"enabled" doc:"Whether a page with this session can be a phone now"`
	Phone      string   `json:"phone,omitempty" example:"103" doc:"Phone of the user"`
	URI        string   `json:"uri,omitempty" example:"sip:103@pbx.example.com" doc:"Address of record to register"`
	Path       string   `json:"path,omitempty" example:"/sip" doc:"Path of SIP over WebSocket on this origin; a connection made with the session's cookie needs no password for this phone"`
	Display    string   `json:"display,omitempty" example:"Ada Moss"`
	ICEServers []string `json:"ice_servers" nullable:"false" doc:"STUN and TURN servers to use: none, the server is reached at its own address"`
	Codecs     []string `json:"codecs" nullable:"false" doc:"Codecs of the phone, the preferred first"`
	Why        string   `json:"why,omitempty" doc:"Why there is no phone for this session, and what to do"`
}

type webphoneOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Webphone
}

func (s *Server) getWebphone(ctx context.Context, _ *struct{}) (*webphoneOutput, error) {
	out := Webphone{Why: "Phones in browsers are switched off on this server. An administrator may set webrtc.enabled."}
	v, person := visitFrom(ctx)
	switch {
	case s.o.Webphones == nil:
	case !person:
		out.Why = "A key has no phone. Log in to the console as a user."
	default:
		out = s.o.Webphones.Webphone(v.Phone)
		out.Display = v.Display
	}
	if out.ICEServers == nil {
		out.ICEServers = []string{}
	}
	if out.Codecs == nil {
		out.Codecs = []string{}
	}
	return &webphoneOutput{CacheControl: "no-store", Body: out}, nil
}

func (s *Server) registerWebphone(op func(method, path, id, tag, summary string) huma.Operation) {
	get := op("GET", "/v1/webphone", "get-webphone", "session", "What a page needs to be the phone of who is logged in")
	get.Errors = []int{http.StatusUnauthorized, http.StatusForbidden}
	operation(s, get, auth.CallsRead, s.getWebphone)
}
