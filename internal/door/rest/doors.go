package rest

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Doors is what the door needs to tell of all doors.
type Doors interface {
	Doors(ctx context.Context) ([]Door, error)
}

// Door is a way in for requests.
type Door struct {
	Name     string       `json:"name" doc:"As audit entries and calls name it"`
	Title    string       `json:"title"`
	Enabled  bool         `json:"enabled" doc:"It is open now"`
	Address  string       `json:"address,omitempty" doc:"Where it is on this server"`
	Page     string       `json:"page" example:"vodia" doc:"Name of its page in docs"`
	Setting  string       `json:"setting" example:"vodia.enabled" doc:"The key of the configuration that switches it on and off"`
	Uses     []DoorUse    `json:"uses" nullable:"false" doc:"To be copied; with the address of this server, and without any secret"`
	Last     []AuditEntry `json:"last" nullable:"false" doc:"The last requests, newest first"`
	Accepted int          `json:"accepted_24h" doc:"Requests of the last 24 hours that were accepted"`
	Denied   int          `json:"denied_24h" doc:"Those that were denied"`
}

// DoorUse is a text to be copied that uses a door.
type DoorUse struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type doorsOutput struct {
	Body struct {
		Doors []Door `json:"doors" nullable:"false"`
	}
}

func (s *Server) listDoors(ctx context.Context, _ *struct{}) (*doorsOutput, error) {
	if s.o.Doors == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server tells of no doors."}
	}
	list, err := s.o.Doors.Doors(ctx)
	if err != nil {
		return nil, err
	}
	out := &doorsOutput{}
	out.Body.Doors = append([]Door{}, list...)
	return out, nil
}

// Setup is what the door needs to tell what to do next.
type Setup interface {
	Setup(ctx context.Context) ([]SetupStep, error)
}

// SetupStep is one thing to do before a server is of use.
type SetupStep struct {
	ID      string `json:"id" doc:"phones, register, call, users, https, trunk, route, keys: stable"`
	Done    bool   `json:"done"`
	Title   string `json:"title"`
	Text    string `json:"text" doc:"What to do, or how it stands"`
	Command string `json:"command,omitempty" doc:"To be copied"`
	Link    string `json:"link,omitempty" example:"#/phones" doc:"Page of the console"`
}

type setupOutput struct {
	Body struct {
		Steps []SetupStep `json:"steps" nullable:"false" doc:"In the order in which they make sense"`
	}
}

func (s *Server) getSetup(ctx context.Context, _ *struct{}) (*setupOutput, error) {
	if s.o.Setup == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server tells of no steps."}
	}
	list, err := s.o.Setup.Setup(ctx)
	if err != nil {
		return nil, err
	}
	out := &setupOutput{}
	out.Body.Steps = append([]SetupStep{}, list...)
	return out, nil
}

// registerDoors lists the operations that tell of the server itself.
func (s *Server) registerDoors(op func(method, path, id, tag, summary string) huma.Operation) {
	operation(s, op("GET", "/v1/doors", "list-doors", "server", "Every door: where it is, how it is used, and what has come by it"), auth.Admin, s.listDoors)
	operation(s, op("GET", "/v1/setup", "setup", "server", "What to do next on this server"), auth.Admin, s.getSetup)
}
